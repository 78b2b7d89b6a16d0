import { afterAll, beforeAll, expect, test } from "vitest";
import { type AgentEvent, StaleSession } from "../fleet/agent-link.ts";
import { type TestContext, testContext } from "../testing/test-context.ts";
import { getExecution } from "./get-execution.ts";
import { listAssignments } from "./list-assignments.ts";
import { listSteps } from "./list-steps.ts";
import { FakeAgent, finishedStep, finishedTry, piece, started, starting } from "./testing/fake-agent.ts";
import { execute, offeredRun, saveTestJob, tester } from "./testing/save-test-job.ts";

let t: TestContext;
beforeAll(async () => {
  t = await testContext();
  await saveTestJob(t, "one");
  await saveTestJob(t, "two", "steps: [{ id: first, run: echo 1 }, { id: second, run: echo 2 }]");
});
afterAll(() => t.close());

const begin = (job = "one") => offeredRun(t, job);
const assignmentOf = async (executionId: string) =>
  (await listAssignments(t.ctx, tester, { execution: executionId, limit: 10 })).items[0]!;
const stateOf = async (executionId: string) => (await getExecution(t.ctx, tester, executionId)).state;
const text = Buffer.from("hello\n");
const finished = { kind: "finished", state: "succeeded", reason: "" } as const;

test("an attempt goes through its states as the agent tells them, and the execution follows", async () => {
  const { agent, offer, executionId } = await begin("two");
  await agent.say(offer, { kind: "accepted" });
  expect(await assignmentOf(executionId)).toMatchObject({ state: "accepted", stepStates: ["pending", "pending"] });
  expect(await stateOf(executionId)).toBe("queued");
  await agent.say(offer, starting("first"), started("first"));
  expect(await assignmentOf(executionId)).toMatchObject({ state: "running", stepStates: ["running", "pending"] });
  expect(await getExecution(t.ctx, tester, executionId)).toMatchObject({ state: "running", counts: { running: 1 } });
  await agent.say(offer, finishedTry(Buffer.alloc(0), "first", "failed"), finishedStep("first", "failed"));
  await agent.say(offer, finishedStep("second", "skipped"), { ...finished, state: "failed", reason: "first failed" });
  expect(await assignmentOf(executionId)).toMatchObject({
    state: "failed",
    stateReason: "first failed",
    stepStates: ["failed", "skipped"],
  });
  const detail = await getExecution(t.ctx, tester, executionId);
  expect(detail).toMatchObject({ state: "failed", counts: { failed: 1 }, unreachable: 0 });
  expect(detail.stages[0]).toMatchObject({ state: "failed" });
  expect(Date.parse(detail.startedAt!)).toBeLessThanOrEqual(Date.parse(detail.finishedAt!));
});

test("the end of a step and its output that arrive together are recorded in one transaction", async () => {
  const { agent, offer, executionId } = await begin();
  const batches = async () => {
    const { values } = await t.ctx.metrics.getSingleMetric("oc_record_batch_seconds")!.get();
    return values.find((v) => (v as { metricName?: string }).metricName?.endsWith("_count"))!.value;
  };
  const before = await batches();
  await Promise.all([
    agent.say(offer, { kind: "accepted" }, starting(), started(), finishedTry(text), finishedStep(), finished),
    agent.push(piece(offer, 0n, text)),
  ]);
  expect(await batches()).toBe(before + 1);
  expect(await stateOf(executionId)).toBe("succeeded");
});

test("events that come again are acknowledged and change nothing", async () => {
  const { agent, offer, executionId } = await begin();
  const events = agent.events(offer, { kind: "accepted" }, starting(), started());
  expect(await agent.send(events)).toEqual([{ kind: "ack", fence: offer.fence, seq: 3n }]);
  const before = await listSteps(t.ctx, tester, { execution: executionId });
  expect(await agent.send(events.slice(0, 2))).toEqual([{ kind: "ack", fence: offer.fence, seq: 3n }]);
  expect(await listSteps(t.ctx, tester, { execution: executionId })).toEqual(before);
});

test("a hole is answered with the number to send again from, and nothing after it is stored", async () => {
  const { agent, offer, executionId } = await begin();
  const [accepted, , third] = agent.events(offer, { kind: "accepted" }, starting(), started());
  expect(await agent.send([accepted!, third!])).toEqual([{ kind: "rewind", fence: offer.fence, fromSeq: 2n }]);
  expect(await assignmentOf(executionId)).toMatchObject({ state: "accepted" });
});

test("a stream that a newer hello replaced writes nothing", async () => {
  const { agent, offer, executionId } = await begin();
  const old = agent.session;
  await agent.openSession();
  const events = agent.events(offer, { kind: "accepted" });
  await expect(t.ctx.automation.work.recordEvents(t.ctx, old, events)).rejects.toThrow(StaleSession);
  await expect(t.ctx.automation.work.storeOutput(t.ctx, old, [piece(offer, 0n, text)])).rejects.toThrow(StaleSession);
  expect(await assignmentOf(executionId)).toMatchObject({ state: "offered" });
});

test("in one batch a stale stream is refused alone", async () => {
  const [a, b] = [await begin(), await begin()];
  const stale = { ...a.agent.session, epoch: a.agent.epoch + 1n };
  const { work } = t.ctx.automation;
  const slow = work.recordEvents(t.ctx, b.agent.session, []); // under way, so that the next two share a batch
  const results = await Promise.allSettled([
    work.recordEvents(t.ctx, stale, a.agent.events(a.offer, { kind: "accepted" })),
    b.agent.say(b.offer, { kind: "accepted" }),
  ]);
  await slow;
  expect(results.map((r) => r.status)).toEqual(["rejected", "fulfilled"]);
  expect(await assignmentOf(b.executionId)).toMatchObject({ state: "accepted" });
});

test("values that the database refuses fail their own stream only", async () => {
  const [a, b] = [await begin(), await begin()];
  const tooLarge = { ...finishedTry(text), outputBytes: 2n ** 64n - 1n };
  const slow = t.ctx.automation.work.recordEvents(t.ctx, b.agent.session, []);
  const results = await Promise.allSettled([
    a.agent.say(a.offer, { kind: "accepted" }, starting(), started(), tooLarge),
    b.agent.say(b.offer, { kind: "accepted" }),
  ]);
  await slow;
  expect(results.map((r) => r.status)).toEqual(["rejected", "fulfilled"]);
  expect(await assignmentOf(a.executionId)).toMatchObject({ state: "offered" });
});

test("an agent writes only its own assignments, with the live fence; for the rest it is told to forget", async () => {
  const [mine, others] = [await begin(), await begin()];
  for (const address of [others.offer, { ...mine.offer, fence: mine.offer.fence + 1n }]) {
    expect(await mine.agent.send(mine.agent.events(address, { kind: "accepted" }))).toEqual([]);
    await expect.poll(() => mine.agent.desires.at(-1)).toMatchObject({ want: "forget", fence: address.fence });
  }
  expect(await assignmentOf(others.executionId)).toMatchObject({ state: "offered" });
  expect(await mine.agent.push(piece(others.offer, 0n, text))).toEqual([]);
});

test("the end waits for the last byte of output, whichever of the two comes last", async () => {
  const { agent, offer, executionId } = await begin();
  await agent.say(offer, { kind: "accepted" }, starting(), started(), finishedTry(text), finishedStep(), finished);
  expect(await assignmentOf(executionId)).toMatchObject({ state: "running", stepStates: ["succeeded"] });
  await agent.push(piece(offer, 0n, text.subarray(0, 3)));
  expect(await stateOf(executionId)).toBe("running");
  await agent.push(piece(offer, 3n, text.subarray(3)));
  expect(await stateOf(executionId)).toBe("succeeded");
  await expect.poll(() => agent.desires.at(-1)).toMatchObject({ want: "forget", fence: offer.fence });
});

test("a denial and the tombstones end an offer, or put it back into the queue", async () => {
  const cases = [
    [{ kind: "denied", code: "policy", reason: "not here" }, "denied", "policy: not here"],
    [{ kind: "tombstone", code: "expired" }, "expired", "the offer reached the agent after its time"],
    [{ kind: "tombstone", code: "cancelled" }, "cancelled", "cancelled before the agent accepted it"],
    [{ kind: "tombstone", code: "pruned" }, "lost", "the agent's journal no longer reaches back to this attempt"],
  ] as const;
  for (const [event, state, stateReason] of cases) {
    const { agent, offer, executionId } = await begin();
    await agent.say(offer, event);
    expect(await assignmentOf(executionId)).toMatchObject({ state, stateReason });
    expect(await stateOf(executionId)).toBe(state === "cancelled" ? "cancelled" : "failed");
  }
});

test("an offer that the agent will never accept for another reason is offered again, as a new attempt", async () => {
  const { agent, offer, executionId } = await begin();
  await agent.say(offer, { kind: "tombstone", code: "stopping" });
  await expect.poll(() => agent.offers.length).toBe(2);
  const again = agent.offers[1]!;
  expect(again).toMatchObject({ assignmentId: offer.assignmentId, attempt: 2 });
  expect(again.fence).toBeGreaterThan(offer.fence);
  await agent.run(again, text);
  expect(await stateOf(executionId)).toBe("succeeded");
});

test("a result after lost is kept as evidence and flips nothing", async () => {
  const { agent, offer, executionId } = await begin();
  await agent.say(offer, { kind: "accepted" }, starting(), started());
  await agent.connect([]); // it came back without the attempt: nobody knows how it ended
  expect(await assignmentOf(executionId)).toMatchObject({ state: "lost" });
  await agent.say(offer, finishedTry(text), finishedStep(), finished);
  await agent.push(piece(offer, 0n, text));
  expect(await assignmentOf(executionId)).toMatchObject({ state: "lost", stepStates: ["succeeded"] });
  expect(await getExecution(t.ctx, tester, executionId)).toMatchObject({ state: "failed", counts: { lost: 1 } });
  const { items } = await listSteps(t.ctx, tester, { execution: executionId });
  expect(items[0]!.tries[0]).toMatchObject({ state: "succeeded", storedBytes: text.length, outputVerified: true });
});

test("retries keep every try, and text that PostgreSQL refuses arrives readable", async () => {
  const { agent, offer, executionId } = await begin();
  const broken = { ...finishedTry(Buffer.alloc(0), "step-1", "failed"), reason: "a\u0000b\ud800", signal: "SIGKILL" };
  await agent.say(offer, { kind: "accepted" }, starting(), started(), broken, starting("step-1", 2));
  await agent.say(offer, started("step-1", 2), finishedTry(Buffer.alloc(0), "step-1", "succeeded", 2));
  const outputs = Buffer.from(JSON.stringify({ used: "42%\u0000" }));
  await agent.say(offer, { ...finishedStep(), outputsJson: outputs, changed: true } as never, finished);
  const { items } = await listSteps(t.ctx, tester, { execution: executionId });
  expect(items[0]).toMatchObject({ state: "succeeded", outputs: { used: "42%\u2400" }, changed: true });
  expect(items[0]!.tries.map((x) => [x.try, x.state, x.reason, x.signal])).toEqual([
    [1, "failed", "a\u2400b\ufffd", "SIGKILL"],
    [2, "succeeded", "", null],
  ]);
});

test("an exit found after a restart needs no start before it", async () => {
  const { agent, offer, executionId } = await begin();
  await agent.say(offer, { kind: "accepted" }, starting(), finishedTry(Buffer.alloc(0)), finishedStep(), finished);
  expect(await stateOf(executionId)).toBe("succeeded");
});

test("many agents that report at once over the same execution leave exact counts", async () => {
  const agents = await Promise.all(Array.from({ length: 40 }, (_, i) => FakeAgent.connected(t, `many-${i}`)));
  const names = agents.map((a) => a.name);
  const runs = await Promise.all([execute(t, "one", names), execute(t, "one", names), execute(t, "one", names)]);
  const outcomes = await Promise.all(
    agents.flatMap((agent, i) =>
      agent.offers.map(async (offer) => {
        const state = i % 4 === 0 ? "failed" : "succeeded";
        const events: AgentEvent[] = [
          ...agent.events(offer, { kind: "accepted" }, starting(), started()),
          ...agent.events(offer, finishedTry(text, "step-1", state), finishedStep("step-1", state)),
          ...agent.events(offer, { ...finished, state } as never),
        ];
        await Promise.all([
          agent.send(events.slice(0, 2)),
          agent.send(events.slice(2, 5)),
          agent.send(events.slice(5)),
        ]);
        await agent.push(piece(offer, 0n, text));
      }),
    ),
  );
  expect(outcomes).toHaveLength(120);
  for (const { id } of runs)
    expect(await getExecution(t.ctx, tester, id)).toMatchObject({
      state: "failed",
      counts: { succeeded: 30, failed: 10 },
    });
});

test("a statement that fails, or a commit that does, acknowledges nothing and leaves nothing behind", async () => {
  await t.db.owner.unsafe(`
    create function refuse() returns trigger language plpgsql as $$ begin
      if new.state_reason = 'refuse' then raise exception 'refused'; end if; return null; end $$;
    create trigger at_once after update on automation.assignments for each row execute function refuse();
    alter table automation.assignments disable trigger at_once`);
  const { agent, offer, executionId } = await begin();
  const refused = { ...finished, reason: "refuse" };
  const events = agent.events(
    offer,
    { kind: "accepted" },
    starting(),
    started(),
    finishedTry(text),
    finishedStep(),
    refused,
  );
  const report = () => Promise.allSettled([agent.send(events), agent.push(piece(offer, 0n, text))]);
  const trees = async () => [
    await assignmentOf(executionId),
    await listSteps(t.ctx, tester, { execution: executionId }),
  ];
  const before = await trees();
  await t.db.owner`alter table automation.assignments enable trigger at_once`;
  expect((await report()).map((r) => r.status)).toEqual(["rejected", "rejected"]);
  expect(await trees()).toEqual(before);
  await t.db.owner.unsafe(`
    drop trigger at_once on automation.assignments;
    create constraint trigger at_commit after update on automation.assignments
      deferrable initially deferred for each row execute function refuse()`);
  expect((await report()).map((r) => r.status)).toEqual(["rejected", "rejected"]);
  expect(await trees()).toEqual(before);
  await t.db.owner.unsafe(`
    drop trigger at_commit on automation.assignments;
    create function refuse_all() returns trigger language plpgsql as $$ begin raise exception 'refused'; end $$;
    create trigger beside_commit after update on automation.executions for each row execute function refuse_all()`);
  expect((await report()).map((r) => r.status)).toEqual(["rejected", "rejected"]);
  expect(await trees()).toEqual(before);
  await t.db.owner`drop trigger beside_commit on automation.executions`;
  expect((await report()).map((r) => r.status)).toEqual(["fulfilled", "fulfilled"]);
  expect(await stateOf(executionId)).toBe("succeeded");
});
