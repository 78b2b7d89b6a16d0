import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "@opsconductor/contract/testing/until";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import { detectCgroups } from "../process/cgroup.ts";
import { processExists } from "../process/testing/run-try.ts";
import { HostBench, jobOf } from "./testing/host-bench.ts";

const isRoot = process.getuid?.() === 0;
// As a service manager gives it: a cgroup of our own below the root of each hierarchy.
const ours = `/oc-limits-${process.pid}`;
const mounts = ["", "/unified", "/memory", "/pids", "/cpu"]
  .map((name) => `/sys/fs/cgroup${name}`)
  .filter((folder) => existsSync(join(folder, "cgroup.procs")));
const folders = mounts.map((mount) => join(mount, ours));
let usable = new Set<string>();
if (isRoot && mounts.length > 0) {
  spawnSync("mkdir", folders);
  usable = new Set(detectCgroups(ours)?.resources);
}
const canLimit = ["memory", "cpu", "processes"].every((name) => usable.has(name));

let bench: HostBench;
beforeEach(() => {
  bench = new HostBench({ environment: { PATH: process.env.PATH, OC_CGROUP: ours } });
});
afterEach(() => bench.close());
afterAll(async () => {
  for (const folder of folders) await until(`an empty ${folder}`, () => removed(folder));
});

const reasonOf = (fence: bigint, id = "a") =>
  bench.eventsOf(fence, "stepFinished").find((e) => e.stepId === id)?.reason ?? "";
const one = (script: string, more: string) =>
  jobOf(`steps:\n  - id: a\n    run: |\n      ${script.replaceAll("\n", "\n      ")}\n    ${more}`);

test.runIf(canLimit)("a step that uses more memory than it may ends as what it is", async () => {
  const fence = bench.run(
    one("head -c 200M /dev/zero | tail -n 1 >/dev/null; echo survived", "limits: { memory: 16MiB }"),
  );
  expect((await bench.outcome(fence)).state).toBe("failed");
  expect(reasonOf(fence)).toMatch(/^out of memory: it reached its limit of 16MiB; /);
  expect((await bench.output(fence, "a")).toString()).not.toContain("survived");
});

test.runIf(canLimit)("a fork bomb stays within its processes, and cancel ends all of it", async () => {
  const script = "bomb() { bomb | bomb & }; bomb; sleep 1000";
  const fence = bench.run(one(script, "limits: { processes: 20 }\n    shell: bash"));
  await until("it runs into the limit", () => refused() > 0);
  const members = membersIn(folders[0]!);
  expect(members.length).toBeLessThanOrEqual(20);
  bench.desire(fence, "cancel");
  await bench.outcome(fence);
  await until("all of it is gone", () => !members.some(processExists) && membersIn(folders[0]!).length === 0);
});

test.runIf(canLimit)(
  "the host's owner gives less than the job asks for, and to jobs that ask for nothing",
  async () => {
    writeFileSync(bench.path("agent.yaml"), "limits: { memory: 16MiB, output: 1KiB }\n", { mode: 0o644 });
    const fence = bench.run(
      one("seq 1 1000; head -c 200M /dev/zero | tail -n 1 >/dev/null", "limits: { memory: 1GiB }"),
    );
    await bench.outcome(fence);
    expect(reasonOf(fence)).toMatch(/^out of memory: it reached its limit of 16MiB; /);
    expect(reasonOf(fence)).toContain("the owner of this host gives at most 16MiB of memory, and not 1GiB of memory");
    const [end] = bench.eventsOf(fence, "tryFinished");
    expect(end!.outputBytes).toBeLessThanOrEqual(1024n);
    expect(end!.gaps).toHaveLength(1);
  },
);

test.runIf(canLimit)("processor time is what the job says", async () => {
  const fence = bench.run(
    one(
      "end=$((SECONDS + 2)); while [ $SECONDS -lt $end ]; do :; done; times",
      "limits: { cpu: 10% }\n    shell: bash",
    ),
  );
  await bench.outcome(fence);
  const [, seconds] = /m([\d.]+)s/.exec((await bench.output(fence, "a")).toString())!;
  expect(Number(seconds)).toBeLessThan(0.5);
});

test.runIf(canLimit)("what a limited step leaves in the background ends with it, and its cgroups go", async () => {
  const fence = bench.run(
    one("setsid sleep 100 >/dev/null 2>&1 & echo $! >>$OC_OUTPUT.pid; sleep 0.1", "limits: { processes: 10 }"),
  );
  expect((await bench.outcome(fence)).state).toBe("succeeded");
  expect(reasonOf(fence)).toBe("a background process that it left was ended");
  await until("no cgroup is left", () => folders.every((path) => triesIn(path).length === 0));
});

test.runIf(canLimit)(
  "a limited step survives the agent, is adopted with its limits, and cancel ends all of it",
  async () => {
    const fence = bench.run(one("setsid env -i sleep 100 & sleep 100", "limits: { memory: 64MiB, processes: 10 }"));
    await until("it runs", () => bench.eventsOf(fence, "tryStarted").length === 1);
    await until("both sleep", () => membersIn(folders[0]!).length >= 3);
    const members = membersIn(folders[0]!);
    bench.host.close();
    bench.open();
    await until("it is adopted", () => bench.eventsOf(fence, "tryAdopted").length === 1);
    expect(membersIn(folders[0]!)).toEqual(members);
    bench.desire(fence, "cancel");
    expect((await bench.outcome(fence)).state).toBe("cancelled");
    await until("none of it is left", () => !members.some(processExists));
  },
);

test.runIf(isRoot)("without a cgroup a limit of single processes stands in, and the step says so", async () => {
  const without = new HostBench();
  try {
    if (["memory", "cpu"].some((name) => detectCgroups()?.resources.has(name as "memory"))) return;
    const fence = without.run(one("head -c 200M /dev/zero | tail -n 1 >/dev/null", "limits: { memory: 16MiB }"));
    await without.outcome(fence);
    const [memory] = without.eventsOf(fence, "stepFinished");
    expect(memory).toMatchObject({ state: "failed" });
    expect(memory!.reason).toMatch(/its limit of 16MiB held for each of its processes by itself/);
    const cpu = without.run(one("true", "limits: { cpu: 50% }"));
    await without.outcome(cpu);
    const [refused] = without.eventsOf(cpu, "stepFinished");
    expect(refused).toMatchObject({ state: "failed" });
    expect(refused!.reason).toMatch(/^this host cannot limit the processor time of a step: /);
    expect(without.eventsOf(cpu, "tryStarting")).toEqual([]);
  } finally {
    await without.close();
  }
});

function triesIn(folder: string): string[] {
  return readdirSync(folder).filter((name) => name.startsWith("try-"));
}

function membersIn(parent: string): number[] {
  return triesIn(parent).flatMap((name) => (read(join(parent, name, "cgroup.procs")).match(/\d+/g) ?? []).map(Number));
}

function refused(): number {
  const texts = folders.flatMap((parent) => triesIn(parent).map((name) => read(join(parent, name, "pids.events"))));
  return Math.max(0, ...texts.map((text) => Number(/max (\d+)/.exec(text)?.[1] ?? 0)));
}

/** Empty when it is not there, or no longer. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function removed(folder: string): boolean {
  try {
    const keeper = join(folder, "keeper");
    if (existsSync(keeper)) rmdirSync(keeper);
    rmdirSync(folder);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT";
  }
}
