import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestContext, testContext } from "../testing/test-context.ts";
import { createAutomation } from "./automation.ts";
import { getExecution } from "./get-execution.ts";
import { listAssignments } from "./list-assignments.ts";
import { listSteps } from "./list-steps.ts";
import { readOutputFile } from "./read-output-file.ts";
import { readOutputLines } from "./read-output-lines.ts";
import { readTimeline } from "./read-timeline.ts";
import { FakeAgent, finishedStep, finishedTry, piece, started, starting } from "./testing/fake-agent.ts";
import { execute, offeredRun, saveTestJob, type TestRun, tester } from "./testing/save-test-job.ts";

let t: TestContext;
beforeAll(async () => {
  t = await testContext();
  await saveTestJob(t, "prints");
});
afterAll(() => t.close());

/** A step that has started to print. */
async function begin(): Promise<TestRun> {
  const run = await offeredRun(t, "prints");
  await run.agent.say(run.offer, { kind: "accepted" }, starting(), started());
  return run;
}

const end = ({ agent, offer }: TestRun, output: Uint8Array, changes: object = {}) =>
  agent.say(offer, { ...finishedTry(output), ...changes }, finishedStep(), {
    kind: "finished",
    state: "succeeded",
    reason: "",
  });

const where = ({ agent, executionId }: TestRun) => ({ execution: executionId, target: agent.name, step: "step-1" });
const lines = (run: TestRun, from = 0, limit = 1000) => readOutputLines(t.ctx, tester, { ...where(run), from, limit });
async function bytes(run: TestRun, from = 0n, to?: bigint): Promise<Buffer> {
  const file = await readOutputFile(t.ctx, tester, where(run));
  return Buffer.from(await new Response(file.read(from, to ?? file.totalBytes)).arrayBuffer());
}
async function tryOf(run: TestRun) {
  const { items } = await listSteps(t.ctx, tester, { execution: run.executionId });
  return items[0]!.tries[0]!;
}

test("pieces are appended at their offset; what is older is ignored, an overlap adds its new end", async () => {
  const run = await begin();
  const { agent, offer } = run;
  const ack = (storedBytes: bigint) => [{ kind: "ack", fence: offer.fence, stepId: "step-1", try: 1, storedBytes }];
  expect(await agent.push(piece(offer, 0n, Buffer.from("abc")))).toEqual(ack(3n));
  expect(await agent.push(piece(offer, 0n, Buffer.from("abc")))).toEqual(ack(3n));
  expect(await agent.push(piece(offer, 1n, Buffer.from("bcde\n")))).toEqual(ack(6n));
  expect((await bytes(run)).toString()).toBe("abcde\n");
  expect(await tryOf(run)).toMatchObject({ storedBytes: 6, storedLines: 1 });
});

test("a hole is answered with the offset to send again from", async () => {
  const { agent, offer } = await begin();
  const rewind = (number: number, offset: bigint) => ({
    kind: "rewind",
    fence: offer.fence,
    stepId: "step-1",
    try: number,
    offset,
  });
  await agent.push(piece(offer, 0n, Buffer.from("abc")));
  expect(await agent.push(piece(offer, 5n, Buffer.from("f")))).toEqual([rewind(1, 3n)]);
  expect(await agent.push(piece(offer, 1n, Buffer.from("x"), "step-1", 2))).toEqual([rewind(2, 0n)]);
});

test("the first bytes of a try may come before the event that tells of it, but not of a step that does not exist", async () => {
  const agent = await FakeAgent.connected(t, "fast");
  const { id } = await execute(t, "prints", ["fast"]);
  const offer = agent.offers[0]!;
  expect(await agent.push(piece(offer, 0n, Buffer.from("early\n")))).toMatchObject([{ kind: "ack", storedBytes: 6n }]);
  expect(await agent.push(piece(offer, 0n, Buffer.from("x"), "nope"))).toMatchObject([{ kind: "rewind", offset: 0n }]);
  await agent.say(offer, { kind: "accepted" }, starting(), started());
  const run = { agent, offer, executionId: id };
  await end(run, Buffer.from("early\n"));
  expect(await tryOf(run)).toMatchObject({ state: "succeeded", storedBytes: 6, outputVerified: true });
});

test("NUL, invalid UTF-8 and carriage returns are stored byte for byte and shown as text", async () => {
  const run = await begin();
  const data = Buffer.from([0x41, 0x00, 0x0a, 0xff, 0xfe, 0x0d, 0x0a, 0xe2, 0x82]);
  await run.agent.push(piece(run.offer, 0n, data));
  expect(await lines(run)).toMatchObject({
    lines: ["A\u2400", "\ufffd\ufffd\r", ""],
    lastLineOpen: true,
    complete: false,
  });
  await end(run, data);
  expect(await lines(run)).toMatchObject({ lines: ["A\u2400", "\ufffd\ufffd\r", "\ufffd"], complete: true });
  expect(await bytes(run)).toEqual(data);
});

test("a character cut between two pieces becomes whole when its rest arrives", async () => {
  const run = await begin();
  const data = Buffer.from("10 €\n");
  await run.agent.push(piece(run.offer, 0n, data.subarray(0, 4)));
  expect((await lines(run)).lines).toEqual(["10 "]);
  await run.agent.push(piece(run.offer, 4n, data.subarray(4)));
  expect(await lines(run)).toMatchObject({ lines: ["10 €"], totalLines: 1, lastLineOpen: false });
});

test("100,000 lines in odd pieces are read back by any range of lines and bytes", async () => {
  const run = await begin();
  const all = Array.from({ length: 100_000 }, (_, i) => `line ${i} ${"x".repeat(i % 90)}`);
  const data = Buffer.from(`${all.join("\n")}\n`);
  for (let offset = 0; offset < data.length; ) {
    const pieces = [];
    for (let i = 0; i < 40 && offset < data.length; i++) {
      const size = 1 + ((offset * 7919) % 60_000);
      pieces.push(piece(run.offer, BigInt(offset), data.subarray(offset, offset + size)));
      offset += size;
    }
    await run.agent.push(...pieces);
  }
  await end(run, data);
  expect(await tryOf(run)).toMatchObject({ storedBytes: data.length, storedLines: 100_000, outputVerified: true });
  for (const [from, limit] of [
    [0, 3],
    [1, 1],
    [54_321, 1000],
    [99_999, 5],
    [100_000, 5],
    [-2, 10],
  ] as const) {
    const page = await lines(run, from, limit);
    const start = from < 0 ? 100_000 + from : from;
    expect(page).toMatchObject({ from: start, totalLines: 100_000, complete: true, lastLineOpen: false });
    expect(page.lines).toEqual(all.slice(start, start + limit));
  }
  expect(
    createHash("sha256")
      .update(await bytes(run))
      .digest(),
  ).toEqual(createHash("sha256").update(data).digest());
  expect(await bytes(run, 1_000_001n, 1_300_003n)).toEqual(data.subarray(1_000_001, 1_300_003));
}, 60_000);

test("bytes that do not compress and bytes that do come back the same", async () => {
  const run = await begin();
  const data = Buffer.concat([randomBytes(70_000), Buffer.alloc(200_000, "0123456789\n"), randomBytes(10)]);
  await run.agent.push(
    piece(run.offer, 0n, data.subarray(0, 65_536)),
    piece(run.offer, 65_536n, data.subarray(65_536)),
  );
  await end(run, data);
  expect(await bytes(run)).toEqual(data);
  const rows = await t.ctx
    .sql`select distinct encoding from automation.output where assignment_id = ${run.offer.assignmentId}`;
  expect(rows.map((r) => r.encoding).sort()).toEqual([0, 1]);
});

test("stored bytes that are not what the agent sent are never hidden", async () => {
  const run = await begin();
  await run.agent.push(piece(run.offer, 0n, Buffer.from("abc")));
  await end(run, Buffer.from("abd"));
  const { items } = await listAssignments(t.ctx, tester, { execution: run.executionId, limit: 1 });
  expect(items[0]).toMatchObject({ state: "succeeded", stateReason: expect.stringContaining("sha256 differs") });
  expect(await tryOf(run)).toMatchObject({ outputVerified: false });
  expect(await t.ctx.metrics.getSingleMetricAsString("oc_output_mismatches_total")).toContain(" 1");
});

test("a controller that did not see the beginning verifies the whole from its rows", async () => {
  const run = await begin();
  const data = Buffer.from("one\ntwo\n");
  await run.agent.push(piece(run.offer, 0n, data.subarray(0, 4)));
  const { automation } = t.ctx;
  const restarted = createAutomation({
    ...t.ctx,
    metrics: new (t.ctx.metrics.constructor as typeof import("prom-client").Registry)(),
  });
  await restarted.work.storeOutput(t.ctx, run.agent.session, [piece(run.offer, 4n, data.subarray(4))]);
  await restarted.work.recordEvents(t.ctx, run.agent.session, run.agent.events(run.offer, finishedTry(data)));
  expect(await tryOf(run)).toMatchObject({ outputVerified: true });
  await automation.work.idle();
});

test("bytes after the end that the agent named are not stored", async () => {
  const run = await begin();
  const data = Buffer.from("abc");
  await end(run, data);
  await run.agent.push(piece(run.offer, 0n, Buffer.from("abcdef")));
  expect((await bytes(run)).toString()).toBe("abc");
  expect(await getExecution(t.ctx, tester, run.executionId)).toMatchObject({ state: "succeeded" });
});

test("an end that is told as less than what is stored lets nothing more in", async () => {
  const run = await begin();
  const data = Buffer.alloc(100, 65);
  await run.agent.push(piece(run.offer, 0n, data));
  await run.agent.say(run.offer, { ...finishedTry(data), outputBytes: 40n });
  await run.agent.push(piece(run.offer, 100n, data));
  expect(await tryOf(run)).toMatchObject({ storedBytes: 100, outputVerified: false });
});

test("no try is stored beyond what any job allows", async () => {
  const run = await begin();
  const most = 2n ** 30n + 2n ** 20n;
  await t.ctx
    .sql`update automation.tries set stored_bytes = ${most - 3n} where assignment_id = ${run.offer.assignmentId}`;
  const replies = await run.agent.push(piece(run.offer, most - 3n, Buffer.from("12345")));
  expect(replies).toMatchObject([{ kind: "ack", storedBytes: most }]);
  expect(await tryOf(run)).toMatchObject({ storedBytes: Number(most) });
});

test("gaps are told with the line at which they stand", async () => {
  const run = await begin();
  const data = Buffer.from("head 1\nhead 2\ntail 1\n");
  await run.agent.push(piece(run.offer, 0n, data));
  await end(run, data, { gaps: [{ offset: 14n, omittedBytes: 5000n }], rawBytes: 5021n });
  expect((await lines(run)).gaps).toEqual([{ offset: 14, omittedBytes: 5000, line: 2 }]);
});

test("a page of very long lines ends early and the next one goes on", async () => {
  const run = await begin();
  const long = Buffer.alloc(3_000_000, "y");
  const data = Buffer.concat([long, Buffer.from("\nsecond\n")]);
  for (let offset = 0; offset < data.length; offset += 500_000)
    await run.agent.push(piece(run.offer, BigInt(offset), data.subarray(offset, offset + 500_000)));
  const page = await lines(run);
  expect(page.lines[0]).toMatch(/^y{65536}… \(2934464 more bytes in this line\)$/);
  expect((await lines(run, 1)).lines).toEqual(["second"]);
});

test("a step that has not begun has no lines, and one that does not exist is not found", async () => {
  const agent = await FakeAgent.make(t, "absent");
  const { id } = await execute(t, "prints", ["absent"]);
  const at = { execution: id, target: agent.name };
  expect(await readOutputLines(t.ctx, tester, { ...at, step: "step-1", limit: 10 })).toMatchObject({
    lines: [],
    totalLines: 0,
    complete: false,
  });
  await expect(readOutputLines(t.ctx, tester, { ...at, step: "nope", limit: 10 })).rejects.toThrow(
    "the steps are step-1",
  );
  await expect(readOutputLines(t.ctx, tester, { ...at, target: "nobody", step: "step-1", limit: 10 })).rejects.toThrow(
    "has no target nobody",
  );
});

test("following a log leaves one row in the audit, not one for each look", async () => {
  const run = await begin();
  for (let i = 0; i < 5; i++) await lines(run);
  const rows = await t.ctx.sql`select detail from communication.audit
    where action = 'execution.output_read' and object_id = ${run.executionId}`;
  expect(rows).toEqual([{ detail: { target: run.agent.name, step: "step-1", try: 1 } }]);
});

test("a host that lost its newest bytes with its power keeps none of ours back, and nobody vouches for them", async () => {
  const run = await begin();
  await run.agent.push(piece(run.offer, 0n, Buffer.from("written\nlost by the host\n")));
  await run.agent.say(run.offer, { ...finishedTry(Buffer.from("written\n")), state: "lost", reason: "power" });
  await run.agent.say(run.offer, finishedStep("step-1", "lost"), { kind: "finished", state: "lost", reason: "power" });
  expect(await tryOf(run)).toMatchObject({ state: "lost", storedBytes: 25, outputBytes: 25, outputVerified: null });
  expect((await bytes(run)).toString()).toBe("written\nlost by the host\n");
  expect(await getExecution(t.ctx, tester, run.executionId)).toMatchObject({ state: "failed", counts: { lost: 1 } });
  const { items } = await readTimeline(t.ctx, tester, { execution: run.executionId, limit: 10 });
  expect(items.find((e) => e.kind === "output.incomplete")?.detail).toMatchObject({ namedBytes: 8, storedBytes: 25 });
});

test("a lost try whose shorter output is not the beginning of ours is a mismatch", async () => {
  const run = await begin();
  await run.agent.push(piece(run.offer, 0n, Buffer.from("written\nlost by the host\n")));
  await run.agent.say(run.offer, { ...finishedTry(Buffer.from("another\n")), state: "lost" });
  expect(await tryOf(run)).toMatchObject({ outputVerified: false });
});
