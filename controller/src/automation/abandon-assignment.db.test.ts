import { afterAll, beforeAll, expect, test } from "vitest";
import type { Actor } from "../context.ts";
import { type TestContext, testContext } from "../testing/test-context.ts";
import { abandonAssignment, abandonUnreachable } from "./abandon-assignment.ts";
import { cancelExecution } from "./cancel-execution.ts";
import { getExecution } from "./get-execution.ts";
import { listAssignments } from "./list-assignments.ts";
import { listSteps } from "./list-steps.ts";
import { readTimeline } from "./read-timeline.ts";
import {
  type AttemptAddress,
  FakeAgent,
  finishedStep,
  finishedTry,
  piece,
  started,
  starting,
} from "./testing/fake-agent.ts";
import { execute, saveTestJob, tester } from "./testing/save-test-job.ts";

let t: TestContext;
beforeAll(async () => {
  t = await testContext();
  await saveTestJob(t, "one");
});
afterAll(() => t.close());

let made = 0;
async function running() {
  const agent = await FakeAgent.connected(t, `gone-${++made}`);
  const { id } = await execute(t, "one", [agent.name]);
  const offer = agent.offers[0]! as AttemptAddress;
  await agent.say(offer, { kind: "accepted" }, starting(), started());
  return { agent, offer, execution: id, assignmentId: offer.assignmentId };
}
type Run = Awaited<ReturnType<typeof running>>;
const abandon = ({ execution, assignmentId }: Run) =>
  abandonAssignment(t.ctx, tester, { execution, assignmentId, reason: "the disk burnt" });
const assignmentOf = async ({ execution }: Run, reader: Actor = tester) =>
  (await listAssignments(t.ctx, reader, { execution, limit: 10 })).items[0]!;
const kindsOf = async ({ execution }: Run) =>
  (await readTimeline(t.ctx, tester, { execution, limit: 100 })).items.map((e) => e.kind);
const text = Buffer.from("hello\n");
const finished = { kind: "finished", state: "succeeded", reason: "" } as const;

test("work on a host that is gone is declared lost, and the execution ends in the same transaction", async () => {
  const run = await running();
  await run.agent.disconnect();
  expect(await assignmentOf(run)).toMatchObject({ unreachable: true, canAbandon: true });
  expect(await assignmentOf(run, { ...tester, permissions: new Set(["executions:read"]) })).toMatchObject({
    unreachable: true,
    canAbandon: false,
  });
  expect(await abandon(run)).toMatchObject({
    state: "lost",
    stateReason: "declared lost by tester: the disk burnt",
    stepStates: ["lost"],
    canAbandon: false,
  });
  expect(await getExecution(t.ctx, tester, run.execution)).toMatchObject({ state: "failed", counts: { lost: 1 } });
  expect((await listSteps(t.ctx, tester, { execution: run.execution })).items[0]).toMatchObject({ state: "lost" });
  expect(await kindsOf(run)).toEqual([
    "execution.finished",
    "assignment.lost",
    "execution.started",
    "execution.created",
  ]);
  const [audit] = await t.ctx.sql`select actor_name, detail from communication.audit
    where action = 'assignment.abandoned' and object_id = ${run.execution}`;
  expect(audit).toMatchObject({ actorName: "tester", detail: { reason: "the disk burnt", unreachable: true } });
});

test("what a lost host tells later is kept as evidence and changes nothing", async () => {
  const run = await running();
  await run.agent.disconnect();
  await abandon(run);
  const { assignmentId, attempt, fence } = run.offer;
  await run.agent.connect([{ assignmentId, attempt, fence, state: "running", lastSeq: 3n }]);
  expect(run.agent.desires).toContainEqual(expect.objectContaining({ assignmentId, want: "cancel" }));
  await run.agent.push(piece(run.offer, 0n, text));
  await run.agent.say(run.offer, finishedTry(text), finishedStep(), finished);
  expect(await assignmentOf(run)).toMatchObject({
    state: "lost",
    stepStates: ["succeeded"],
    lateResult: { state: "succeeded" },
  });
  expect(await getExecution(t.ctx, tester, run.execution)).toMatchObject({ state: "failed", counts: { lost: 1 } });
  const { items } = await readTimeline(t.ctx, tester, { execution: run.execution, limit: 100 });
  expect(items.find((e) => e.kind === "assignment.late_result")).toMatchObject({
    targetName: run.agent.name,
    detail: { state: "succeeded", recorded: "lost" },
  });
  expect(items.map((e) => e.kind)).toContain("cancel.told");
});

test("work of a connected agent is not declared lost: it will tell", async () => {
  const run = await running();
  expect(await assignmentOf(run)).toMatchObject({ canAbandon: false });
  await expect(abandon(run)).rejects.toMatchObject({ code: "failed_precondition", message: /connected/ });
  await cancelExecution(t.ctx, tester, { execution: run.execution, reason: "" });
  expect(await abandon(run)).toMatchObject({ state: "lost" }); // it was asked to stop and does not answer
});

test("an agent that names output which never comes is told of, and given up by a person", async () => {
  const run = await running();
  await run.agent.push(piece(run.offer, 0n, text));
  await run.agent.say(run.offer, finishedTry(Buffer.from("hello\nworld\n")), finishedStep(), finished);
  expect(await assignmentOf(run)).toMatchObject({
    state: "running",
    waitingForOutput: { state: "succeeded", missingBytes: 6 },
    canAbandon: true,
  });
  expect(await abandon(run)).toMatchObject({
    state: "lost",
    stateReason:
      "declared lost by tester: the disk burnt; the agent had told that it succeeded, but not all of its output came",
    lateResult: { state: "succeeded" },
    waitingForOutput: null,
  });
});

test("what was never given to an agent, or has ended, is not declared lost", async () => {
  const away = await FakeAgent.make(t, "never-there");
  const { id } = await execute(t, "one", [away.name]);
  const [queued] = (await listAssignments(t.ctx, tester, { execution: id, limit: 1 })).items;
  expect(queued).toMatchObject({ state: "queued", canAbandon: false, startBefore: expect.any(String) });
  const params = { execution: id, assignmentId: queued!.id, reason: "x" };
  await expect(abandonAssignment(t.ctx, tester, params)).rejects.toMatchObject({ message: /never given/ });
  const run = await running();
  await run.agent.say(run.offer, finishedTry(Buffer.alloc(0)), finishedStep(), finished);
  await expect(abandon(run)).rejects.toMatchObject({ message: /already ended \(succeeded\)/ });
  await expect(abandonAssignment(t.ctx, tester, { ...params, execution: run.execution })).rejects.toMatchObject({
    code: "not_found",
  });
});

test("after OC_LOST_AFTER without a sign work is lost by itself, and not a moment earlier", async () => {
  const run = await running();
  const connected = await running();
  await run.agent.disconnect();
  const hourMs = 3_600_000;
  const round = () => abandonUnreachable(t.ctx, t.ctx.automation.metrics, hourMs);
  await round();
  expect(await assignmentOf(run)).toMatchObject({ state: "running" });
  const ago = new Date(Date.now() - hourMs - 1000);
  await t.ctx
    .sql`update fleet.agents set last_seen_at = ${ago} where id in ${t.ctx.sql([run.agent.id, connected.agent.id])}`;
  await t.ctx.sql`update fleet.agent_sessions set connected_at = ${ago}
    where agent_id in ${t.ctx.sql([run.agent.id, connected.agent.id])}`;
  await round();
  expect(await assignmentOf(run)).toMatchObject({ state: "lost", stateReason: /OC_LOST_AFTER/ });
  expect(await assignmentOf(connected)).toMatchObject({ state: "running" });
  expect(await getExecution(t.ctx, tester, run.execution)).toMatchObject({ state: "failed" });
});
