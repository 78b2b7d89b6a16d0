import { type ChildProcess, fork } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "@opsconductor/contract/testing/until";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FailingJournal } from "../journal/failing-journal.ts";
import type { EventBody, JournalRecord } from "../journal/journal.ts";
import { SqliteJournal } from "../journal/sqlite-journal.ts";
import type { OfferMessage } from "../link/host.ts";
import { findSupervisors, isCapper } from "../process/find-processes.ts";
import { readBootId, readProcessStat } from "../process/process-identity.ts";
import { processExists } from "../process/testing/run-try.ts";
import { HostBench } from "./testing/host-bench.ts";

vi.setConfig({ testTimeout: 60_000 });
const settings = { graceMs: 200, drainMs: 100 };
let bench: HostBench;
beforeEach(() => {
  bench = new HostBench({ settings });
});
afterEach(() => bench.close());

/** A step that writes each of its starts into a ledger outside of the host's control. */
function ledger(): { note: string; starts: () => number } {
  const path = bench.path("ledger");
  return { note: `echo ran >> ${path}`, starts: () => (readText(path).match(/ran/g) ?? []).length };
}

/** An agent of its own that runs the offer, to be killed. */
async function startAgent(offer?: OfferMessage): Promise<ChildProcess> {
  bench.host.close();
  const args = [bench.path("state"), JSON.stringify(settings)];
  const agent = fork(new URL("./testing/host-process.ts", import.meta.url), args, { serialization: "advanced" });
  await new Promise((resolve) => agent.once("message", resolve));
  if (offer !== undefined) agent.send({ offer });
  return agent;
}

async function kill(agent: ChildProcess): Promise<void> {
  agent.kill("SIGKILL");
  await new Promise((resolve) => agent.once("exit", resolve));
}

const readText = (path: string) => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
};
const readIfFolder = (path: string) => (existsSync(path) ? readdirSync(path) : []);
const pidIn = (name: string) => until(`pid in ${name}`, () => Number(readText(bench.path(name))) || undefined);

test("a step survives kill -9 of its agent: adopted with the same pid, true exit code, and every byte", async () => {
  const { note, starts } = ledger();
  const offer = bench.offer(`steps:
  - id: long
    run: |
      ${note}; echo $$ > ${bench.path("pid")}; seq 1 5000
      while [ ! -e ${bench.path("go")} ]; do sleep 0.02; done
      seq 5001 10000; exit 7`);
  const agent = await startAgent(offer);
  const pid = await pidIn("pid");
  await kill(agent);
  expect(processExists(pid)).toBe(true);
  bench.open();
  await until("the claim told", () => bench.eventsOf(offer.fence, "tryStarted").length === 1);
  writeFileSync(bench.path("go"), "");
  expect(await bench.outcome(offer.fence)).toEqual({ state: "failed", reason: "step long failed: exit code 7" });
  const all = Array.from({ length: 10_000 }, (_, i) => `${i + 1}\n`).join("");
  expect((await bench.output(offer.fence, "long")).toString()).toBe(all);
  expect(starts()).toBe(1);
  expect(bench.eventsOf(offer.fence, "tryStarted")).toHaveLength(1);
});

test("a step that ends while its agent is away is reported at the next start, with its duration", async () => {
  const { note, starts } = ledger();
  const offer = bench.offer(
    `steps: [ { id: a, run: "${note}; echo $$ > ${bench.path("pid")}; sleep 0.5; echo x=1 >> $OC_OUTPUT; echo done" }, { id: b, run: "true" } ]`,
  );
  const agent = await startAgent(offer);
  const pid = await pidIn("pid");
  await kill(agent);
  await until("the step's end", () => !processExists(pid));
  await sleep(50);
  bench.open();
  expect((await bench.outcome(offer.fence)).state).toBe("succeeded");
  expect(bench.outputsOf(offer.fence, "a")).toEqual({ x: "1" });
  expect((await bench.output(offer.fence, "a")).toString()).toBe("done\n");
  expect(bench.eventsOf(offer.fence, "tryFinished")[0]!.durationMs).toBeGreaterThanOrEqual(480);
  expect(starts()).toBe(1);
});

test("kills at chosen moments of a step: nothing runs twice, and everything gets its outcome", async () => {
  const { note, starts } = ledger();
  const ids = ["a", "b", "c", "d"];
  const gate = (id: string) => bench.path(`go-${id}`);
  const wait = (id: string) => `while [ ! -e ${gate(id)} ]; do sleep 0.02; done`;
  const steps = ids.map((id) => `{ id: ${id}, run: "${note}; seq 1 100; ${wait(id)}; echo end" }`);
  const offer = bench.offer(`steps: [ ${steps.join(", ")} ]\nfinally: [ { id: e, run: "${note}" } ]`);
  // As soon as these are there the agent dies: prepared, about to be told, claimed, writing, command over, record written. What is
  // opened before lets the steps before this one end, and this one where the moment is its end.
  const moments = [
    { path: "0.1.1", open: "" },
    { path: "0.1.1/job", open: "" },
    { path: "0.1.1/claim", open: "" },
    { path: "1.1.1/claim", open: "a" },
    { path: "1.1.1/head", open: "a" },
    { path: "2.1.1/code", open: "abc" },
    { path: "3.1.1/exit", open: "abcd" },
  ];
  for (const { path, open } of moments) {
    const agent = await startAgent(offer);
    for (const id of open) writeFileSync(gate(id), "");
    const awaited = bench.path(join("state/work", String(offer.fence), path));
    for (let i = 0; !isThere(awaited) && i < 20_000; i++) await new Promise(setImmediate);
    await kill(agent);
  }
  bench.open();
  bench.host.receiveOffer(offer, Date.now());
  expect((await bench.outcome(offer.fence)).state).toBe("succeeded");
  expect(starts()).toBe(5);
  const text = `${Array.from({ length: 100 }, (_, i) => i + 1).join("\n")}\nend\n`;
  for (const id of ids) expect((await bench.output(offer.fence, id)).toString()).toBe(text);
});

test("a time limit that passed while the agent was away is kept at the adoption", async () => {
  const pidFile = bench.path("pid");
  const run = `echo $$ > ${pidFile}; sleep 100`;
  const offer = bench.offer(`steps: [ { id: a, run: "${run}", timeout: 1s } ]\nfinally: [ { id: f, run: "true" } ]`);
  const agent = await startAgent(offer);
  const pid = await pidIn("pid");
  await kill(agent);
  await sleep(1000);
  expect(processExists(pid)).toBe(true);
  bench.open();
  expect((await bench.outcome(offer.fence)).state).toBe("timed_out");
  expect(bench.states(offer.fence)).toEqual({ a: "timed_out", f: "succeeded" });
  expect(processExists(pid)).toBe(false);
});

test("outcomes are kept until they are to be forgotten, and no longer than they are to be kept", async () => {
  const fence = bench.run("steps: [ { id: a, run: 'true' } ]");
  await bench.outcome(fence);
  bench.host.close();
  bench.open();
  expect(bench.host.attempts()).toMatchObject([{ fence, state: "succeeded" }]);
  await sleep(20);
  bench.host.close();
  bench.reopenWith({ keepOutcomesMs: 10 });
  await until("the old outcome to be forgotten", () => bench.host.attempts().length === 0);
  const again = bench.offer("steps: [ { id: a, run: 'true' } ]", { fence });
  bench.host.receiveOffer(again, Date.now());
  expect(bench.events(fence)).toMatchObject([{ kind: "tombstone", code: "pruned" }]);
});

test("a cancel that was recorded is carried out after a kill, on the adopted step", async () => {
  const offer = bench.offer(
    `steps: [ { id: a, run: "trap '' TERM; echo $$ > ${bench.path("pid")}; setsid sleep 100 & wait; sleep 100", shell: bash } ]\nfinally: [ { id: f, run: "true" } ]`,
  );
  const agent = await startAgent(offer);
  const pid = await pidIn("pid");
  const { assignmentId, attempt, fence } = offer;
  agent.send({ desire: { assignmentId, attempt, fence, want: "cancel", reason: "by ann", releaseThroughStep: 0 } });
  await until("the stop on record", () => readText(bench.path(`state/work/${fence}/0.1.1/kill`)));
  await kill(agent);
  expect(processExists(pid)).toBe(true);
  bench.open();
  expect(await bench.outcome(fence)).toEqual({ state: "cancelled", reason: "by ann" });
  expect(bench.states(fence)).toEqual({ a: "cancelled", f: "succeeded" });
  expect(processExists(pid)).toBe(false);
});

test("a supervisor that was killed while the agent was away leaves a lost step, and no process", async () => {
  const offer = bench.offer(
    `steps: [ { id: a, run: "echo $$ > ${bench.path("pid")}; echo before; exec sleep 100" }, { id: b, run: "true" } ]\nfinally: [ { id: f, run: "true" } ]`,
  );
  const agent = await startAgent(offer);
  const pid = await pidIn("pid");
  await kill(agent);
  const claim = readText(bench.path(`state/work/${offer.fence}/0.1.1/claim`)).split(" ");
  process.kill(Number(claim[2]), "SIGKILL");
  bench.open();
  expect(await bench.outcome(offer.fence)).toMatchObject({
    state: "lost",
    reason: expect.stringMatching(/step a was lost/),
  });
  expect(bench.states(offer.fence)).toEqual({ a: "lost", b: "skipped", f: "succeeded" });
  expect(processExists(pid)).toBe(false);
  expect((await bench.output(offer.fence, "a")).toString()).toBe("before\n");
});

/** A journal as an agent leaves it that died right after the start was durable. */
function startedOnly(offer: OfferMessage, bootId = readBootId()): void {
  // The clock counts from the boot: on a machine that is up for a day its beginning is longer ago than a job may take.
  const at = { atMs: Date.now(), monotonicMs: Number(process.hrtime.bigint()) / 1e6, bootId };
  bench.host.close();
  const { assignmentId, attempt, fence, releaseThroughStep, ...rest } = offer;
  const journal = new SqliteJournal({ path: bench.path("state/journal.db") });
  const event = (body: EventBody): JournalRecord => ({
    kind: "event",
    fence,
    at,
    body,
  });
  const key = { assignmentId, attempt };
  journal.commit([
    { kind: "open", key, fence, offer: { ...key, fence, ...rest, acceptedAtMs: 1 }, releaseThroughStep },
    event({ kind: "accepted" }),
    event({ kind: "tryStarting", stepId: "a", try: 1, spawn: 1 }),
  ]);
  journal.close();
}

const spawnFolder = (offer: OfferMessage) => {
  const folder = join(bench.path("state/work"), String(offer.fence), "0.1.1");
  mkdirSync(folder, { recursive: true });
  return folder;
};

test("a start that was recorded and never happened is made again as the next spawn", async () => {
  const { note, starts } = ledger();
  const offer = bench.offer(`steps: [ { id: a, run: "${note}" } ]`);
  startedOnly(offer);
  bench.open();
  expect((await bench.outcome(offer.fence)).state).toBe("succeeded");
  expect(bench.eventsOf(offer.fence, "tryStarting").map((e) => [e.try, e.spawn])).toEqual([
    [1, 1],
    [1, 2],
  ]);
  expect(starts()).toBe(1);
});

test("a torn claim of a supervisor that is gone started nothing, so the step starts", async () => {
  const { note, starts } = ledger();
  const offer = bench.offer(`steps: [ { id: a, run: "${note}" } ]`);
  startedOnly(offer);
  writeFileSync(join(spawnFolder(offer), "claim"), "1 boo");
  bench.open();
  expect((await bench.outcome(offer.fence)).state).toBe("succeeded");
  expect(starts()).toBe(1);
});

test("after a restart of the host an open try is lost, even without a claim, unless its record is there", async () => {
  const lost = bench.offer(`steps: [ { id: a, run: "true" }, { id: b, run: "true" } ]`);
  const ended = bench.offer(`steps: [ { id: a, run: "true" } ]`);
  for (const offer of [lost, ended]) startedOnly(offer, "an-earlier-boot");
  writeFileSync(join(spawnFolder(ended), "exit"), "1 0 0 4 12.50 - \nend\n");
  bench.open();
  expect((await bench.outcome(lost.fence)).reason).toMatch(/step a was lost.*host was restarted/);
  expect(await bench.outcome(ended.fence)).toEqual({ state: "failed", reason: "step a failed: exit code 4" });
});

test("a lost step that is idempotent runs again, as a new try", async () => {
  const { note, starts } = ledger();
  const offer = bench.offer(`steps: [ { id: a, run: "${note}", idempotent: true } ]`);
  startedOnly(offer, "an-earlier-boot");
  bench.open();
  expect((await bench.outcome(offer.fence)).state).toBe("succeeded");
  expect(bench.eventsOf(offer.fence, "tryFinished").map((e) => [e.try, e.state])).toEqual([
    [1, "lost"],
    [2, "succeeded"],
  ]);
  expect(starts()).toBe(1);
});

test("a pause between two tries goes on after a restart", async () => {
  const { note, starts } = ledger();
  const offer = bench.offer(`steps: [ { id: a, run: "${note}; false", retry: { max: 1, delay: 1s } } ]`);
  bench.host.receiveOffer(offer, Date.now());
  await until("the first try", () => bench.eventsOf(offer.fence, "tryFinished")[0]);
  bench.host.close();
  bench.open();
  expect((await bench.outcome(offer.fence)).state).toBe("failed");
  expect(starts()).toBe(2);
});

test("a waiting or held attempt is picked up where it was", async () => {
  const offer = bench.offer("steps: [ { id: a, run: 'true' }, { id: b, run: 'true' } ]", { releaseThroughStep: 0 });
  bench.host.receiveOffer(offer, Date.now());
  await until("the hold", () => bench.eventsOf(offer.fence, "held")[0]);
  bench.host.close();
  bench.open();
  expect(bench.eventsOf(offer.fence, "held")).toHaveLength(1);
  bench.desire(offer.fence, "run");
  expect((await bench.outcome(offer.fence)).state).toBe("succeeded");
});

test("unacknowledged output of an earlier life can still be read to its end", async () => {
  const fence = bench.run(`steps: [ { id: small, run: "echo hello" }, { id: large, run: "seq 1 30000" } ]`);
  await bench.outcome(fence);
  bench.host.acknowledgeOutput(fence, "large", 1, 1000n);
  bench.host.close();
  bench.open();
  expect((await bench.output(fence, "small")).toString()).toBe("hello\n");
  expect(await bench.output(fence, "large")).toHaveLength(168_894);
  expect(bench.host.outputSources().find((s) => s.stepId === "large")!.ackedBytes).toBe(1000n);
});

test("a journal that fails at any commit starts nothing unrecorded, and the next life finishes the work", async () => {
  for (let n = 1; n <= 6; n++) {
    const path = bench.path(`ledger-${n}`);
    const offer = bench.offer(
      `steps: [ { id: a, run: "echo ran >> ${path}" }, { id: b, run: "echo ran >> ${path}" } ]`,
    );
    bench.host.close();
    const failing = new FailingJournal(new SqliteJournal({ path: bench.path("state/journal.db") }));
    failing.failAt(n);
    bench.open(failing);
    bench.host.receiveOffer(offer, Date.now());
    const state = () => bench.host.attempts().find((a) => a.fence === offer.fence)?.state;
    await until("the failure", () => bench.host.degraded() !== "" || state() === "succeeded");
    const recorded = bench.eventsOf(offer.fence, "tryStarting").length;
    await sleep(30);
    expect(readText(path).length / 4).toBeLessThanOrEqual(recorded);
    bench.host.close();
    bench.open();
    bench.host.receiveOffer(offer, Date.now());
    expect((await bench.outcome(offer.fence)).state).toBe("succeeded");
    expect(readText(path)).toBe("ran\nran\n");
  }
});

/** A folder, or a file that somebody has written into. */
function isThere(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && (found.isDirectory() || found.size > 0);
}

test("a supervisor killed with its claim about to be made starts nothing beside the spawn that takes its place", async () => {
  bench.host.close();
  const { note, starts } = ledger();
  const ready = bench.path("state/ready");
  const before = new Set(readIfFolder(ready));
  const offer = bench.offer(`steps: [ { id: a, run: "${note}" } ]`);
  bench.open();
  const [folder] = await until("a supervisor that waits", () => {
    const made = readIfFolder(ready).filter((name) => !before.has(name) && existsSync(join(ready, name, "0.1.1/word")));
    return made.length > 0 && made;
  });
  const mark = readText(join(ready, folder!, "0.1.1/supervisor"));
  const shells = await until("its shells", () => {
    const found = findSupervisors(mark).filter((pid) => !isCapper(pid));
    return found.length === 4 && found; // the leader, and the three sides of its pipe
  });
  const leader = shells.find((pid) => readProcessStat(pid)?.session === pid)!;
  for (const pid of shells) if (pid !== leader) process.kill(pid, "SIGSTOP");
  bench.host.receiveOffer(offer, Date.now());
  await until("the start on record", () => bench.eventsOf(offer.fence, "tryStarting").length === 1);
  process.kill(leader, "SIGKILL");
  expect((await bench.outcome(offer.fence)).state).toBe("succeeded");
  for (const pid of shells) if (pid !== leader && processExists(pid)) process.kill(pid, "SIGCONT");
  await until("the end of its shells", () => !shells.some(processExists));
  expect(starts()).toBe(1);
});
