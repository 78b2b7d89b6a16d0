import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { until } from "@opsconductor/contract/testing/until";
import { afterAll, expect, test, vi } from "vitest";
import { detectCgroups, removeCgroup } from "./cgroup.ts";
import { findProcesses } from "./find-processes.ts";
import { stopTry } from "./stop-try.ts";
import { processExists, readIfThere, type TestTry, TryBench } from "./testing/run-try.ts";
import { readExit } from "./try-records.ts";

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });
const bench = new TryBench();
afterAll(() => bench.close());

/** The script writes the pids it wants to see dead, one a line. */
async function pidsOf(run: TestTry, count: number): Promise<number[]> {
  const lines = await until(`${count} pids`, () => {
    const found = run.output().toString().split("\n").slice(0, -1);
    return found.length >= count && found;
  });
  return lines.map(Number);
}

test("cancel asks first: a command that cleans up and ends keeps its own exit code", async () => {
  const run = bench.sh(`trap 'echo cleaned; exit 9' TERM; echo $$; while :; do sleep 0.01; done`);
  await pidsOf(run, 1);
  await stopTry(run.target, { why: "cancelled", graceMs: 10_000 });
  expect(await run.over).toMatchObject({ exit: { exitCode: 9, stopped: "cancelled" } });
  expect(run.output().toString()).toMatch(/cleaned\n$/);
});

test("a command that ignores TERM is killed after the grace, and the record says by what", async () => {
  const run = bench.sh(`trap '' TERM; echo $$; while :; do sleep 0.01; done`);
  const [pid] = await pidsOf(run, 1);
  await stopTry(run.target, { why: "timed_out", graceMs: 50 });
  expect(await run.over).toMatchObject({ exit: { exitCode: undefined, signal: "SIGKILL", stopped: "timed_out" } });
  expect(processExists(pid!)).toBe(false);
});

test("children that left the session, cleared their environment, or both, do not survive", async () => {
  const run = bench.sh(`
    setsid sh -c 'trap "" TERM; echo $$; sleep 100' &
    env -i sh -c 'trap "" TERM; echo $$; sleep 100' &
    setsid env -i sh -c 'trap "" TERM; echo $$; sleep 100' &
    trap '' TERM; echo $$; wait`);
  const pids = await pidsOf(run, 4);
  await stopTry(run.target, { why: "cancelled", graceMs: 20 });
  expect(await run.over).toMatchObject({ exit: { signal: "SIGKILL", stopped: "cancelled" } });
  expect(pids.filter(processExists)).toEqual([]);
});

test("cancel also ends a child that was left in the background by a command that obeyed", async () => {
  const run = bench.sh(`setsid sh -c 'echo $$; exec sleep 100' & sleep 0.01; echo $$; exec sleep 100`);
  const pids = await pidsOf(run, 2);
  await stopTry(run.target, { why: "cancelled", graceMs: 10_000 });
  expect(await run.over).toMatchObject({ exit: { signal: "SIGTERM", stopped: "cancelled" } });
  expect(pids.filter(processExists)).toEqual([]);
});

test("a child that cleared its environment is found by its session though it let go of the output", async () => {
  const pidFile = join(bench.root, "cleared");
  const run = bench.sh(`env -i sh -c 'echo $$ >${pidFile}; exec sleep 100' >/dev/null 2>&1 & exec sleep 100`);
  const pid = await until("the child's pid", () => Number(readIfThere(pidFile).toString()) || undefined);
  await stopTry(run.target, { why: "cancelled", graceMs: 0 });
  expect(processExists(pid)).toBe(false);
});

test("a background child that holds the output open is ended without changing the command's outcome", async () => {
  const run = bench.sh("(setsid sleep 100 &) ; echo done; exit 4");
  await run.ended;
  expect(readExit(run.folder)).toBeUndefined();
  await stopTry(run.target, { why: "drain", graceMs: 0 });
  expect(await run.over).toMatchObject({ exit: { exitCode: 4, stopped: undefined } });
  expect(run.output().toString()).toBe("done\n");
});

test("a background child that lets go of the output lives on after a normal end", async () => {
  const pidFile = join(bench.root, "daemon");
  const run = bench.sh(`(setsid sh -c 'echo $$ >${pidFile}; exec sleep 100' >/dev/null 2>&1 &); exit 0`);
  expect(await run.over).toMatchObject({ exit: { exitCode: 0 } });
  const pid = await until("the daemon's pid", () => Number(readIfThere(pidFile).toString()) || undefined);
  expect(processExists(pid)).toBe(true);
  process.kill(pid, "SIGKILL");
  await until("the daemon's end", () => !processExists(pid));
});

test("a stop that comes after the end changes nothing", async () => {
  const run = bench.sh("exit 0");
  await run.over;
  await stopTry(run.target, { why: "cancelled", graceMs: 1000 });
  expect(existsSync(join(run.folder, "kill"))).toBe(false);
});

test.skipIf(!canUseCgroups())("in a cgroup nothing escapes, not even at once", async () => {
  const root = `${cgroupMount()}/oc-test-${process.pid}`;
  mkdirSync(root);
  const cgroups = detectCgroups(
    undefined,
    `1 1 0:0 / ${cgroupMount()} rw - cgroup2 cgroup2 rw\n`,
    `0::/oc-test-${process.pid}\n`,
  );
  const cgroup = cgroups!.create("a")!;
  const run = bench.sh(`setsid env -i sh -c 'echo $$; exec sleep 100' >pid 2>&1 & wait`, { cgroup });
  const members = await until("processes in the cgroup", () => {
    const pids = readFileSync(join(cgroup.kill!, "cgroup.procs"), "utf8").trim().split("\n");
    return pids.length >= 2 && pids.map(Number);
  });
  expect(members).not.toContain(run.child.pid);
  await stopTry(run.target, { why: "cancelled", graceMs: 0 });
  expect(await run.over).toMatchObject({ exit: { signal: "SIGKILL", stopped: "cancelled" } });
  expect(members.filter(processExists)).toEqual([]);
  await until("an empty cgroup", () => readFileSync(join(cgroup.kill!, "cgroup.procs"), "utf8") === "");
  removeCgroup(cgroup);
  rmdirSync(root);
});

test("processes of other tries are never found", async () => {
  const [one, other] = [bench.sh("echo $$; exec sleep 100"), bench.sh("echo $$; exec sleep 100")];
  const [[pid], [otherPid]] = [await pidsOf(one, 1), await pidsOf(other, 1)];
  expect(findProcesses(one.target).command).toEqual([pid]);
  await stopTry(one.target, { why: "cancelled", graceMs: 0 });
  expect(processExists(otherPid!)).toBe(true);
  await stopTry(other.target, { why: "cancelled", graceMs: 0 });
});

function cgroupMount(): string {
  return /^\S+ \S+ \S+ \S+ (\S+) .* - cgroup2 /m.exec(readFileSync("/proc/self/mountinfo", "utf8"))?.[1] ?? "";
}

function canUseCgroups(): boolean {
  if (process.platform !== "linux" || process.getuid?.() !== 0 || cgroupMount() === "") return false;
  return spawnSync("sh", ["-c", `mkdir ${cgroupMount()}/oc-probe && rmdir ${cgroupMount()}/oc-probe`]).status === 0;
}
