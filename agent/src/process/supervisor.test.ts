import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { until } from "@opsconductor/contract/testing/until";
import { afterAll, expect, test, vi } from "vitest";
import { findProcesses } from "./find-processes.ts";
import { jobFile } from "./job-file.ts";
import { killLeftovers } from "./stop-try.ts";
import { prepare, processExists, readIfThere, TryBench } from "./testing/run-try.ts";
import { giveSpawnUp, readClaim, readExit, readTotal } from "./try-records.ts";
import { type SpawnEnd, TryWatch } from "./watch-try.ts";

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });
const bench = new TryBench();
afterAll(() => bench.close());

test("a command's exit code, its output and who ran it are on disk when it is over", async () => {
  const run = bench.sh("echo out; echo err >&2; exit 3");
  const end = await run.over;
  expect(end).toMatchObject({ kind: "exited", exit: { exitCode: 3, signal: "", stopped: undefined, headBytes: 8n } });
  expect(run.output().toString()).toBe("out\nerr\n");
  expect(await run.claimed).toMatchObject({ bootId: bench.bootId, pid: run.child.pid });
});

test("a signal and an exit code that looks like one are told apart", async () => {
  const ends = await Promise.all(
    ["kill -9 $$", "exit 137", "kill -TERM $$", "kill -SEGV $$", "exit 255"].map((text) => bench.sh(text).over),
  );
  expect(ends.map((end) => end.kind === "exited" && [end.exit.exitCode, end.exit.signal])).toEqual([
    [undefined, "SIGKILL"],
    [137, ""],
    [undefined, "SIGTERM"],
    [undefined, "SIGSEGV"],
    [255, ""],
  ]);
});

test("bash as the system's shell tells signals apart too", async () => {
  const run = bench.sh("kill -9 $$", { shell: "/bin/bash" });
  expect(await run.over).toMatchObject({ exit: { exitCode: undefined, signal: "SIGKILL" } });
});

test("of twenty supervisors that race for one claim, one runs the command", async () => {
  const folder = bench.makeFolder();
  const ledger = join(bench.root, "ledger");
  const spec = bench.spec(["/bin/sh", "-c", `echo ran >>${ledger}`], { folder });
  const racers = Array.from({ length: 20 }, () => prepare(spec).child);
  writeFileSync(join(folder, "job"), jobFile(spec)); // once: whoever runs must not read it while it is written again
  for (const racer of racers) racer.stdin!.end("1000000 1000 \n");
  await Promise.all(racers.map((racer) => new Promise((resolve) => racer.on("exit", resolve))));
  expect(readFileSync(ledger, "utf8")).toBe("ran\n");
  expect(readExit(folder)).toMatchObject({ exitCode: 0, headBytes: 0n });
});

test("a supervisor that waits does nothing until it is told, and goes when the agent does", async () => {
  const folder = bench.makeFolder();
  const waiting = prepare(bench.spec(["/bin/true"], { folder }));
  await until("the supervisor's start", () => existsSync(join(folder, "word")));
  waiting.dismiss();
  await new Promise((resolve) => waiting.child.on("exit", resolve));
  expect(readClaim(folder)).toBeUndefined();
  expect(readExit(folder)).toBeUndefined();
});

const moments = ["before", "after"];
test.each(moments)("a supervisor that dies %s it is followed, and before it begins, did not start", async (moment) => {
  const spec = bench.spec(["/bin/true"]);
  const dead = prepare(spec);
  const over = Promise.withResolvers<SpawnEnd>();
  const nothing = () => {};
  const events = { claimed: nothing, commandEnded: nothing, output: nothing, over: over.resolve };
  const watch = new TryWatch(spec.folder, bench.bootId, events);
  watch.open();
  const ended = new Promise((resolve) => dead.child.on("exit", resolve));
  if (moment === "after") watch.follow(dead.child);
  process.kill(-dead.child.pid!, "SIGKILL"); // with its children: one that lives on may still claim
  if (moment === "before") await ended;
  dead.begin(spec, { ...spec, cgroup: undefined });
  if (moment === "before") watch.follow(dead.child);
  expect(await over.promise).toMatchObject({ kind: "notStarted" });
});

test("an agent that dies while it tells a supervisor to begin has started nothing", async () => {
  const ledger = join(bench.root, "half-told");
  const line = "1000000 1000 ";
  for (const told of [0, 1, 7, 8, line.length]) {
    const spec = bench.spec(["/bin/sh", "-c", `echo ran >>${ledger}`]);
    const { child } = prepare(spec);
    writeFileSync(join(spec.folder, "job"), jobFile(spec));
    child.stdin!.end(line.slice(0, told));
    await new Promise((resolve) => child.on("exit", resolve));
    expect(readClaim(spec.folder)).toBeUndefined();
  }
  expect(existsSync(ledger)).toBe(false);
});

test("values of the environment and arguments reach the command byte by byte, whatever their names", async () => {
  const characters = Array.from({ length: 0x250 }, (_, i) => String.fromCodePoint(i + 1)).join("");
  const value = `${characters}'"\\$(id)\`id\`\n\n`;
  const env = { PATH: "/usr/bin:/bin", UID: "7", IFS: ",", head: "1", status: "2", VALUE: value, "LC_a-b": "odd" };
  for (const shell of ["/bin/sh", "/bin/bash"]) {
    const run = bench.start(["/usr/bin/env", "-u", "none", "/bin/cat", "/proc/self/environ"], { env, shell });
    await run.over;
    const seen = run.output().toString().split("\0");
    for (const [name, own] of Object.entries(env)) expect(seen).toContain(`${name}=${own}`);
    const said = bench.start(["/usr/bin/printf", "%s", value], { shell });
    await said.over;
    expect(said.output().toString()).toBe(value);
  }
});

test("a spawn that the agent has given up can never start", async () => {
  const folder = bench.makeFolder();
  expect(giveSpawnUp(folder, bench.bootId)).toBe(true);
  const run = bench.sh("echo ran", { folder });
  await new Promise((resolve) => run.child.on("exit", resolve));
  expect(readIfThere(join(folder, "head"))).toHaveLength(0);
  expect(readExit(folder)).toBeUndefined();
  expect(readClaim(folder)).toMatchObject({ pid: 0 });
  expect(readdirSync(folder).filter((name) => name.startsWith("claim."))).toEqual([]);
});

test("an agent that comes too late cannot take the claim back", async () => {
  const run = bench.sh("exit 0");
  await run.over;
  expect(giveSpawnUp(run.folder, bench.bootId)).toBe(false);
  expect(await run.claimed).toEqual(readClaim(run.folder));
});

test("output is there while the command still runs", async () => {
  const release = join(bench.root, "release");
  const run = bench.sh(`echo first; while [ ! -e ${release} ]; do sleep 0.01; done; echo second`);
  await until("the first line", () => run.output().toString() === "first\n");
  expect(readExit(run.folder)).toBeUndefined();
  writeFileSync(release, "");
  await run.over;
  expect(run.output().toString()).toBe("first\nsecond\n");
});

test("twenty megabytes of any bytes arrive exactly", async () => {
  const source = join(bench.root, "source");
  const bytes = Buffer.concat([Buffer.from("\0\xff\xfe\r\n\0", "latin1"), randomBytes(20_000_000)]);
  writeFileSync(source, bytes);
  const run = bench.sh(`cat ${source}`, { headBytes: 32 << 20 });
  expect(await run.over).toMatchObject({ exit: { headBytes: BigInt(bytes.length), restBytes: 0n } });
  expect(hash(run.output())).toBe(hash(bytes));
});

test("beyond the cap, head and tail stay exactly and the rest is counted", async () => {
  const source = join(bench.root, "capped");
  const bytes = randomBytes(3_000_001);
  writeFileSync(source, bytes);
  const run = bench.sh(`cat ${source}`, { headBytes: 1_000_003, tailBytes: 500_009 });
  expect(await run.over).toMatchObject({ exit: { headBytes: 1_000_003n, restBytes: 1_999_998n } });
  expect(hash(readFileSync(join(run.folder, "head")))).toBe(hash(bytes.subarray(0, 1_000_003)));
  expect(hash(readFileSync(join(run.folder, "tail")))).toBe(hash(bytes.subarray(-500_009)));
});

test("many short writes fill the head to the last byte", async () => {
  const run = bench.start(["/usr/bin/env", "seq", "20000"], { headBytes: 50_000, tailBytes: 1000 });
  await run.over;
  const all = Array.from({ length: 20000 }, (_, i) => `${i + 1}\n`).join("");
  expect(readFileSync(join(run.folder, "head"), "latin1")).toBe(all.slice(0, 50_000));
  expect(readFileSync(join(run.folder, "tail"), "latin1")).toBe(all.slice(-1000));
});

test("the command has ordinary signals, umask and environment, and nothing on stdin", async () => {
  const run = bench.sh("grep SigIgn /proc/self/status; umask; pwd; cat; env", {
    env: { PATH: "/usr/bin:/bin", A: "1" },
  });
  await run.over;
  const [ignored, umask, pwd, ...env] = run.output().toString().trim().split("\n");
  expect(ignored).toMatch(/:\s0+$/);
  expect([umask, pwd]).toEqual(["0022", bench.root]);
  const own = [`OC_PROCESS_MARK=${run.target.mark}`, "A=1", "PATH=/usr/bin:/bin", `PWD=${bench.root}`];
  expect(env.filter((line) => !own.some((entry) => line.startsWith(entry)))).toEqual([]);
});

test("records and output are for the owner alone", async () => {
  const run = bench.sh("echo x");
  await run.over;
  for (const name of readdirSync(run.folder)) expect(statSync(join(run.folder, name)).mode & 0o077).toBe(0);
});

test("a command that cannot be found fails with 127 and says so", async () => {
  const run = bench.start(["no-such-program"]);
  expect(await run.over).toMatchObject({ exit: { exitCode: 127 } });
  expect(run.output().toString()).toMatch(/no-such-program: not found/);
});

test("a script's kill 0 ends the script and not its supervisor", async () => {
  const run = bench.sh("sleep 30 & kill 0; wait");
  expect(await run.over).toMatchObject({ kind: "exited", exit: { signal: "SIGTERM", stopped: undefined } });
  await until("the supervisor's end", () => !processExists(run.child.pid!));
});

test("a killed supervisor is seen as gone, and what it left can be ended", async () => {
  const run = bench.sh("sleep 30");
  process.kill((await run.claimed).pid, "SIGKILL");
  expect(await run.over).toEqual({ kind: "gone" });
  await killLeftovers(run.target);
  expect(findProcesses(run.target)).toEqual({ command: [], supervisor: [] });
});

test("of a killed supervisor the output is still counted: what was printed last is kept, and what is missing between", async () => {
  const lines = (last: number) => Array.from({ length: last }, (_, i) => `${i + 1}\n`).join("");
  const printed = lines(20_000);
  const folder = bench.makeFolder();
  const run = bench.sh(`seq 20000; touch ${folder}/printed; sleep 30`, { headBytes: 50_000, tailBytes: 1000 });
  await until("everything to be printed", () => existsSync(join(folder, "printed")));
  // With the tail begun the head is whole, and only copiers are left between the pipe and the disk.
  await until("the tail to be begun", () => existsSync(join(run.folder, "tail")));
  process.kill((await run.claimed).pid, "SIGKILL");
  expect(await run.over).toEqual({ kind: "gone" });
  expect(await killLeftovers(run.target)).toBeUndefined();
  expect(readTotal(run.folder)).toBe(BigInt(printed.length));
  expect(run.output().toString()).toBe(printed.slice(0, 50_000) + printed.slice(-1000));
});

function hash(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

test.skipIf(!mayMount())(
  "on a full disk the output is cut and every byte counted, and the outcome waits for space",
  async () => {
    const disk = bench.makeFolder();
    const gate = join(bench.makeFolder(), "gate");
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", disk]);
    try {
      const folder = join(disk, "try");
      mkdirSync(folder);
      const lines = "i=0; while [ $i -lt 300 ]; do echo line $i of those that find no space; i=$((i+1)); done";
      const run = bench.sh(`echo before; while [ ! -e ${gate} ]; do sleep 0.01; done; ${lines}; printf last; exit 3`, {
        folder,
      });
      await until("the first output", () => readIfThere(join(folder, "head")).length > 0);
      fillDisk(join(disk, "filler"));
      writeFileSync(gate, "");
      await until("the end of the command", () => existsSync(join(folder, "code")));
      expect(readExit(folder)).toBeUndefined();
      rmSync(join(disk, "filler"));
      const expected = [
        "before\n",
        ...Array.from({ length: 300 }, (_, i) => `line ${i} of those that find no space\n`),
        "last",
      ].join("");
      const end = (await run.over) as SpawnEnd & { kind: "exited" };
      expect(end).toMatchObject({ kind: "exited", exit: { exitCode: 3 } });
      expect(end.exit.headBytes + end.exit.restBytes).toBe(BigInt(expected.length));
      const head = readFileSync(join(folder, "head"), "latin1");
      expect(expected.startsWith(head)).toBe(true);
      expect(expected.endsWith(readIfThere(join(folder, "tail")).toString())).toBe(true);
      await until("the supervisor's end", () => !processExists(run.child.pid!));
    } finally {
      execFileSync("umount", ["-l", disk]);
    }
  },
);

/** A full disk needs a file system of its own, and only root may make one. */
function mayMount(): boolean {
  return process.platform === "linux" && process.getuid?.() === 0;
}

function fillDisk(path: string): void {
  const fd = openSync(path, "w");
  try {
    for (let size = 64 * 1024; size >= 1; )
      try {
        writeSync(fd, Buffer.alloc(size));
      } catch {
        size = Math.floor(size / 2);
      }
  } finally {
    closeSync(fd);
  }
}
