import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestContext, testContext } from "../testing/test-context.ts";
import { cancelExecution } from "./cancel-execution.ts";
import { getExecution } from "./get-execution.ts";
import { listAssignments } from "./list-assignments.ts";
import { listExecutions } from "./list-executions.ts";
import { planExecution } from "./plan-execution.ts";
import { readOutputLines } from "./read-output-lines.ts";
import { readTimeline } from "./read-timeline.ts";
import { retryExecution } from "./retry-execution.ts";
import { FakeAgent, finishedStep, finishedTry, started, starting } from "./testing/fake-agent.ts";
import { execute, saveTestJob, tester } from "./testing/save-test-job.ts";

let t: TestContext;
let agents: FakeAgent[];
beforeAll(async () => {
  t = await testContext();
  agents = [];
  for (const name of ["web-1", "web-2", "web-3", "lb"]) agents.push(await FakeAgent.connected(t, name));
  await t.ctx.automation.dispatcher.idle();
});
afterAll(() => t.close());

const none = Buffer.from("");
const agentOf = (name: string) => agents.find((agent) => agent.name === name)!;

async function settled(): Promise<void> {
  await t.ctx.automation.flows.idle();
  await t.ctx.automation.dispatcher.idle();
}

const stagesOf = async (id: string) =>
  Object.fromEntries((await getExecution(t.ctx, tester, id)).stages.map((s) => [s.id, s.state]));

const statesOf = async (id: string) =>
  (await listAssignments(t.ctx, tester, { execution: id, limit: 100 })).items.map(
    (a) => `${a.stageId} ${a.targetName} ${a.state}`,
  );

/** The newest offer of the execution to this agent. */
async function offerTo(name: string, id: string, stage?: string) {
  const find = () =>
    agentOf(name)
      .offers.filter((offer) => offer.executionId === id && (!stage || offer.stageId === stage))
      .at(-1);
  await expect.poll(find, { timeout: 3000 }).toBeDefined();
  return find()!;
}

async function runOn(
  name: string,
  id: string,
  state = "succeeded",
  outputs: Record<string, string> = {},
  stage?: string,
) {
  const agent = agentOf(name);
  const offer = await offerTo(name, id, stage);
  const told = { ...finishedStep("step-1", state), outputsJson: Buffer.from(JSON.stringify(outputs)) };
  await agent.say(
    offer,
    { kind: "accepted" },
    starting(),
    started(),
    finishedTry(none, "step-1", state),
    told as never,
    {
      kind: "finished",
      state: state as "succeeded",
      reason: "",
    },
  );
  await settled();
}

test("stages run after what they need, and read what it gave out", async () => {
  await saveTestJob(
    t,
    "release",
    `stages:
  build: { targets: { names: [web-1] }, steps: [{ run: make }] }
  deploy:
    needs: [build]
    targets: { names: [web-2, web-3] }
    steps: [{ run: deploy, env: { V: "\${{ stages.build.outputs.version }}" } }]
  undo: { needs: [deploy], if: failure(), targets: { names: [lb] }, steps: [{ run: undo }] }`,
  );
  const { id } = await execute(t, "release", [], { targets: undefined });
  await settled();
  expect(await stagesOf(id)).toEqual({ build: "running", deploy: "pending", undo: "pending" });
  expect(agentOf("web-2").offers.filter((offer) => offer.executionId === id)).toEqual([]);
  await runOn("web-1", id, "succeeded", { version: "1.2" });
  const offer = await offerTo("web-2", id);
  expect(offer.stageId).toBe("deploy");
  expect(JSON.parse(Buffer.from(offer.needsOutputsJson).toString())).toEqual({
    stages: { build: { state: "succeeded", outputs: { version: "1.2" }, targets: { "web-1": { version: "1.2" } } } },
  });
  await runOn("web-2", id);
  await runOn("web-3", id);
  expect(await stagesOf(id)).toEqual({ build: "succeeded", deploy: "succeeded", undo: "skipped" });
  expect(await getExecution(t.ctx, tester, id)).toMatchObject({ state: "succeeded" });
  expect((await statesOf(id)).at(-1)).toBe("undo lb skipped");
});

test("a stage that asks for failure() runs after one, the others are skipped, and the execution has failed", async () => {
  await saveTestJob(
    t,
    "with-undo",
    `stages:
  deploy: { targets: { names: [web-1] }, steps: [{ run: deploy }] }
  verify: { needs: [deploy], targets: { names: [web-2] }, steps: [{ run: verify }] }
  undo: { needs: [deploy], if: failure(), targets: { names: [lb] }, steps: [{ run: undo }] }`,
  );
  const { id } = await execute(t, "with-undo", [], { targets: undefined });
  await runOn("web-1", id, "failed");
  expect(await stagesOf(id)).toMatchObject({ deploy: "failed", verify: "skipped", undo: "running" });
  await runOn("lb", id);
  expect(await getExecution(t.ctx, tester, id)).toMatchObject({ state: "failed" });
});

test("a stage calls another job with inputs that an earlier stage gave", async () => {
  await saveTestJob(
    t,
    "smoke",
    "inputs: { url: { type: string, required: true }, tries: { type: integer, default: 3 } }\ntargets: { names: [lb] }\nsteps: [{ run: curl }]",
  );
  await saveTestJob(
    t,
    "caller",
    `stages:
  start: { targets: { names: [web-1] }, steps: [{ run: start }] }
  check: { needs: [start], job: smoke, inputs: { url: "\${{ stages.start.outputs.url }}", tries: 5 } }`,
  );
  const { id } = await execute(t, "caller", [], { targets: undefined, check: true });
  await runOn("web-1", id, "succeeded", { url: "https://a.test" });
  const offer = await offerTo("lb", id);
  expect(offer.check).toBe(true);
  expect(offer.stageId).toBe("main");
  expect(Buffer.from(offer.definition).toString()).toContain("name: smoke\n");
  expect(JSON.parse(Buffer.from(offer.inputsJson).toString())).toEqual({ url: "https://a.test", tries: 5 });
  await runOn("lb", id);
  expect(await getExecution(t.ctx, tester, id)).toMatchObject({ state: "succeeded" });
});

test("a called workflow and a matrix unfold to parts, and are over when all of them are", async () => {
  await saveTestJob(
    t,
    "inner",
    `inputs: { where: { type: string, default: x } }
stages:
  one: { targets: { names: [web-1] }, steps: [{ run: one }] }
  two: { needs: [one], targets: { names: [web-2] }, steps: [{ run: two }] }`,
  );
  await saveTestJob(
    t,
    "outer",
    `stages:
  call: { job: inner, inputs: { where: eu } }
  each: { needs: [call], matrix: { host: [web-1, web-3] }, targets: { select: "name=\${{ matrix.host }}" }, steps: [{ run: echo }] }
  last: { needs: [each], targets: { names: [lb] }, steps: [{ run: last }] }`,
  );
  const { id } = await execute(t, "outer", [], { targets: undefined });
  await settled();
  expect(await stagesOf(id)).toMatchObject({
    call: "running",
    "call/one": "running",
    "call/two": "pending",
    each: "pending",
  });
  await runOn("web-1", id, "succeeded", {}, "one");
  const two = await offerTo("web-2", id);
  expect(two.stageId).toBe("two");
  expect(JSON.parse(Buffer.from(two.inputsJson).toString())).toEqual({ where: "eu" });
  await runOn("web-2", id);
  expect(await stagesOf(id)).toMatchObject({
    call: "succeeded",
    each: "running",
    "each/1": "running",
    "each/2": "running",
  });
  const item = await offerTo("web-3", id);
  expect(JSON.parse(Buffer.from(item.needsOutputsJson).toString())).toMatchObject({ matrix: { host: "web-3" } });
  await runOn("web-1", id, "succeeded", {}, "each");
  await runOn("web-3", id);
  await runOn("lb", id);
  expect(await getExecution(t.ctx, tester, id)).toMatchObject({ state: "succeeded" });
});

test.each([["jobs that call each other in a circle", "call each other in a circle: ring-a → ring-b → ring-a"]])(
  "%s are refused",
  async (_, message) => {
    await saveTestJob(t, "ring-a", "stages: { next: { job: ring-b } }");
    await saveTestJob(t, "ring-b", "stages: { next: { job: ring-a } }");
    await expect(execute(t, "ring-a", [], { targets: undefined })).rejects.toThrow(message);
  },
);

test("a cancel ends what waits, and nothing begins any more", async () => {
  const { id } = await execute(t, "with-undo", [], { targets: undefined });
  const offer = await offerTo("web-1", id);
  await cancelExecution(t.ctx, tester, { execution: id, reason: "" });
  const said = { kind: "finished", state: "cancelled", reason: "" } as const;
  await agentOf("web-1").say(
    offer,
    { kind: "accepted" },
    starting(),
    started(),
    finishedTry(none, "step-1", "cancelled"),
    finishedStep("step-1", "cancelled"),
    said,
  );
  await settled();
  expect(await getExecution(t.ctx, tester, id)).toMatchObject({ state: "cancelled" });
  expect(await stagesOf(id)).toEqual({ deploy: "cancelled", verify: "cancelled", undo: "cancelled" });
});

test("a canary goes first, then batches; beyond the failure budget nothing more is started", async () => {
  const names = Array.from({ length: 10 }, (_, i) => `host-${i}`);
  for (const name of names) agents.push(await FakeAgent.connected(t, name));
  await saveTestJob(t, "patch", "rollout: { canary: 1, batch: 30%, maxFailures: 10% }\nsteps: [{ run: apt }]");
  const { id } = await execute(t, "patch", names);
  const offered = () =>
    agents.filter((agent) => agent.offers.some((offer) => offer.executionId === id)).map((agent) => agent.name);
  await runOn("host-0", id);
  expect(offered()).toEqual(["host-0", "host-1", "host-2", "host-3"]);
  await runOn("host-1", id, "failed");
  await runOn("host-2", id);
  expect(offered()).toHaveLength(4);
  await runOn("host-3", id);
  expect(offered()).toHaveLength(7);
  await runOn("host-4", id, "failed");
  expect(await statesOf(id)).toContain("main host-9 skipped");
  await runOn("host-5", id);
  await runOn("host-6", id);
  expect(offered()).toHaveLength(7);
  expect(await getExecution(t.ctx, tester, id)).toMatchObject({
    state: "failed",
    counts: { succeeded: 5, failed: 2, skipped: 3 },
    stages: [{ stateReason: "not started: 2 targets failed, and the job allows 1 (rollout.maxFailures)" }],
  });
  const again = async (take: "failed" | "rest") => {
    const made = await retryExecution(t.ctx, tester, { execution: id, take, repeatLost: false, reason: "" });
    const { items } = await listAssignments(t.ctx, tester, { execution: made.id, limit: 20 });
    await cancelExecution(t.ctx, tester, { execution: made.id, reason: "" });
    return items.map(({ targetName }) => targetName).sort();
  };
  expect(await again("failed")).toEqual(["host-1", "host-4"]);
  expect(await again("rest")).toEqual(["host-1", "host-4", "host-7", "host-8", "host-9"]);
});

test("within the failure budget the rest goes on, and the outcome is partial", async () => {
  const { id } = await execute(t, "patch", [
    "host-0",
    "host-1",
    "host-2",
    "host-3",
    "host-4",
    "host-5",
    "host-6",
    "host-7",
    "host-8",
    "host-9",
  ]);
  for (let i = 0; i < 10; i++) await runOn(`host-${i}`, id, i === 2 ? "failed" : "succeeded");
  expect(await getExecution(t.ctx, tester, id)).toMatchObject({
    state: "partial",
    counts: { succeeded: 9, failed: 1 },
  });
});

test("between two batches it pauses by a due time in the row", async () => {
  await saveTestJob(t, "slow", "rollout: { batch: 1, pause: 1h }\nsteps: [{ run: apt }]");
  const { id } = await execute(t, "slow", ["host-0", "host-1"]);
  await runOn("host-0", id);
  const offers = () => agentOf("host-1").offers.filter((offer) => offer.executionId === id);
  expect(offers()).toEqual([]);
  const [row] = await t.ctx
    .sql`select due_at > now() + interval '59 minutes' as waits from automation.executions where id = ${id}`;
  expect(row).toEqual({ waits: true });
  await t.ctx.sql`update automation.stages set next_batch_at = now() - interval '1 second' where execution_id = ${id}`;
  await t.ctx.sql`update automation.executions set due_at = now() - interval '1 second' where id = ${id}`;
  await t.ctx.automation.flows.poll();
  await settled();
  expect(offers()).toHaveLength(1);
  await runOn("host-1", id);
  expect(await getExecution(t.ctx, tester, id)).toMatchObject({ state: "succeeded" });
});

test("step-first lets nobody begin a step before all have finished the one before", async () => {
  await saveTestJob(t, "walls", "rollout: { order: step-first }\nsteps: [{ run: a }, { run: b }]");
  const { id } = await execute(t, "walls", ["host-0", "host-1"]);
  const first = await offerTo("host-0", id);
  const second = await offerTo("host-1", id);
  expect([first.releaseThroughStep, second.releaseThroughStep]).toEqual([0, 0]);
  const stepOne = [{ kind: "accepted" } as const, starting(), started(), finishedTry(none), finishedStep()];
  await agentOf("host-0").say(first, ...stepOne, { kind: "held", nextStepId: "step-2" });
  await settled();
  const released = (name: string) =>
    agentOf(name)
      .desires.filter((d) => d.want === "run")
      .map((d) => d.releaseThroughStep);
  expect(released("host-0")).not.toContain(1);
  await agentOf("host-1").say(second, ...stepOne);
  await settled();
  expect(released("host-0")).toContain(1);
  expect(released("host-1")).toContain(1);
});

/** While somebody else has the row of the host's assignment, `act` is done and the execution is advanced. */
async function advancedWhileHeld(id: string, name: string, act: () => Promise<unknown>): Promise<void> {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const { promise: locked, resolve: hasLocked } = Promise.withResolvers<void>();
  const holding = t.ctx.sql.begin(async (tx) => {
    await tx`select id from automation.assignments where execution_id = ${id} and target_name = ${name} for no key update`;
    hasLocked();
    await released;
  });
  await locked;
  await act();
  await t.ctx.automation.flows.idle();
  release();
  await holding;
  await t.ctx.sql`update automation.executions set due_at = now() - interval '1 second' where id = ${id}`;
  await t.ctx.automation.flows.poll();
  await settled();
}

test("a host whose row somebody else had when the barrier was raised, or the budget was spent, is told later", async () => {
  const wanted = (name: string, id: string) => agentOf(name).desires.filter((d) => d.assignmentId === id);
  const stepOne = (state?: string) =>
    [
      { kind: "accepted" },
      starting(),
      started(),
      finishedTry(none, "step-1", state),
      finishedStep("step-1", state),
    ] as const;
  const { id } = await execute(t, "walls", ["host-0", "host-1"]);
  const [first, second] = [await offerTo("host-0", id), await offerTo("host-1", id)];
  await agentOf("host-0").say(first, ...stepOne(), { kind: "held", nextStepId: "step-2" });
  await settled();
  await advancedWhileHeld(id, "host-0", () => agentOf("host-1").say(second, ...stepOne()));
  expect(wanted("host-0", first.assignmentId)).toContainEqual(expect.objectContaining({ releaseThroughStep: 1 }));

  const other = await execute(t, "walls", ["host-0", "host-1"]);
  const [held, fails] = [await offerTo("host-0", other.id), await offerTo("host-1", other.id)];
  await agentOf("host-0").say(held, ...stepOne(), { kind: "held", nextStepId: "step-2" });
  await settled();
  const said = [...stepOne("failed"), { kind: "finished", state: "failed", reason: "" }] as const;
  await advancedWhileHeld(other.id, "host-0", () => agentOf("host-1").say(fails, ...said));
  expect(wanted("host-0", held.assignmentId)).toContainEqual(expect.objectContaining({ want: "cancel" }));
});

test("a workflow that failed goes on from its failed stage, on the targets that failed", async () => {
  await saveTestJob(
    t,
    "resumed",
    `stages:
  build: { targets: { names: [lb] }, steps: [{ run: make }] }
  deploy: { needs: [build], targets: { names: [web-1, web-2] }, steps: [{ run: deploy, env: { V: "\${{ stages.build.outputs.v }}" } }] }
  verify: { needs: [deploy], targets: { names: [web-3] }, steps: [{ run: verify }] }`,
  );
  const first = await execute(t, "resumed", [], { targets: undefined });
  await runOn("lb", first.id, "succeeded", { v: "7" });
  await runOn("web-1", first.id);
  await runOn("web-2", first.id, "failed");
  expect(await getExecution(t.ctx, tester, first.id)).toMatchObject({ state: "failed" });
  const { id } = await retryExecution(t.ctx, tester, { execution: first.id, repeatLost: false, reason: "" });
  await settled();
  expect(await stagesOf(id)).toEqual({ build: "succeeded", deploy: "running", verify: "pending" });
  expect(await statesOf(id)).toEqual(["deploy web-2 offered", "verify web-3 queued"]);
  const offer = await offerTo("web-2", id);
  expect(JSON.parse(Buffer.from(offer.needsOutputsJson).toString())).toMatchObject({
    stages: { build: { outputs: { v: "7" } } },
  });
  await runOn("web-2", id);
  await runOn("web-3", id);
  expect(await getExecution(t.ctx, tester, id)).toMatchObject({ state: "succeeded", retryOf: { id: first.id } });
});

test("what a target gave out before a retry is still there for the stages after it", async () => {
  await saveTestJob(
    t,
    "kept",
    `stages:
  deploy: { targets: { names: [web-1, web-2] }, steps: [{ run: deploy }] }
  verify: { needs: [deploy], targets: { names: [lb] }, steps: [{ run: verify, env: { V: "\${{ stages.deploy.outputs.v }}" } }] }`,
  );
  const first = await execute(t, "kept", [], { targets: undefined });
  await runOn("web-1", first.id, "succeeded", { v: "7" });
  await runOn("web-2", first.id, "failed", { v: "6" });
  const retry = async (execution: string) =>
    (await retryExecution(t.ctx, tester, { execution, repeatLost: false, reason: "" })).id;
  const second = await retry(first.id);
  await settled();
  await runOn("web-2", second, "failed", { v: "6" });
  const third = await retry(second);
  await settled();
  await runOn("web-2", third, "succeeded", { v: "7", w: "8" });
  const offer = await offerTo("lb", third);
  const outputs = { v: "7", w: "8" };
  expect(JSON.parse(Buffer.from(offer.needsOutputsJson).toString())).toEqual({
    stages: { deploy: { state: "succeeded", outputs, targets: { "web-1": { v: "7" }, "web-2": outputs } } },
  });
  await runOn("lb", third);
});

test("output of a target in several stages is that of the stage that is named, and never of another one", async () => {
  await saveTestJob(
    t,
    "twice",
    `stages:
  one: { targets: { names: [web-1] }, steps: [{ run: one }] }
  two: { needs: [one], targets: { names: [web-1] }, steps: [{ run: two }, { id: only, run: only }] }`,
  );
  const { id } = await execute(t, "twice", [], { targets: undefined });
  for (const stage of ["one", "two"]) {
    const offer = await offerTo("web-1", id, stage);
    await agentOf("web-1").say(offer, { kind: "accepted" });
    await agentOf("web-1").run(offer, Buffer.from(`output of ${stage}\n`));
    await settled();
  }
  const read = (step: string, stage?: string) =>
    readOutputLines(t.ctx, tester, { execution: id, target: "web-1", step, stage, limit: 10 });
  expect((await read("step-1", "one")).lines).toEqual(["output of one"]);
  expect((await read("step-1", "two")).lines).toEqual(["output of two"]);
  expect((await read("only")).lines).toEqual([]);
  await expect(read("step-1")).rejects.toThrow(
    "Several stages have a step step-1 on web-1: say which with stage=, one of one, two.",
  );
  await expect(read("onyl")).rejects.toThrow("There is no step onyl: the steps are step-1, only.");
  await expect(read("only", "one")).rejects.toThrow("There is no step only: the steps are step-1.");
  await expect(read("step-1", "three")).rejects.toThrow("web-1 is not in the stage three: it is in one, two.");
});

test("the timeline tells of each stage when it began and how it ended", async () => {
  await saveTestJob(
    t,
    "told",
    `stages:
  one: { targets: { names: [web-1, web-2] }, steps: [{ run: one }] }
  two: { needs: [one], targets: { names: [lb] }, steps: [{ run: two }] }
  three: { needs: [two], if: failure(), targets: { names: [lb] }, steps: [{ run: three }] }`,
  );
  const { id } = await execute(t, "told", [], { targets: undefined });
  for (const name of ["web-1", "web-2", "lb"]) await runOn(name, id);
  const { items } = await readTimeline(t.ctx, tester, { execution: id, limit: 100 });
  const told = items.filter(({ kind }) => kind.startsWith("stage.")).map(({ kind, detail }) => [kind, detail.stage]);
  expect(told.toSorted()).toEqual([
    ["stage.finished", "one"],
    ["stage.finished", "two"],
    ["stage.skipped", "three"],
    ["stage.started", "one"],
    ["stage.started", "two"],
  ]);
});

test("a stage that answers to a failure is asked anew when what failed runs again", async () => {
  await saveTestJob(
    t,
    "answering",
    `stages:
  build: { targets: { names: [lb] }, steps: [{ run: build }] }
  deploy: { needs: [build], targets: { names: [web-1, web-2] }, steps: [{ run: deploy }] }
  undo: { needs: [deploy], if: failure(), targets: { names: [web-1, web-2] }, steps: [{ run: undo }] }
  beside: { needs: [build], if: always(), targets: { names: [lb] }, steps: [{ run: beside }] }`,
  );
  const first = await execute(t, "answering", [], { targets: undefined });
  await runOn("lb", first.id, "succeeded", {}, "build");
  await runOn("lb", first.id, "succeeded", {}, "beside");
  await runOn("web-1", first.id, "succeeded", {}, "deploy");
  await runOn("web-2", first.id, "failed", {}, "deploy");
  for (const name of ["web-1", "web-2"]) await runOn(name, first.id, "succeeded", {}, "undo");
  expect(await stagesOf(first.id)).toMatchObject({ undo: "succeeded" });
  const retry = async (execution: string) =>
    (await retryExecution(t.ctx, tester, { execution, repeatLost: false, reason: "" })).id;
  const second = await retry(first.id);
  await settled();
  expect(await stagesOf(second)).toMatchObject({ undo: "pending", beside: "succeeded" });
  await runOn("web-2", second, "failed", {}, "deploy");
  for (const name of ["web-1", "web-2"]) await runOn(name, second, "succeeded", {}, "undo");
  const third = await retry(second);
  await settled();
  await runOn("web-2", third, "succeeded", {}, "deploy");
  expect(await stagesOf(third)).toMatchObject({ deploy: "succeeded", undo: "skipped" });
  expect(await getExecution(t.ctx, tester, third)).toMatchObject({ state: "succeeded" });
});

test("what repeated and called stages give out is what all their parts gave, also those that end last", async () => {
  await saveTestJob(
    t,
    "gather",
    `stages:
  each: { matrix: { item: [a, b] }, targets: { names: [web-1] }, steps: [{ run: give }] }
  last: { needs: [each], targets: { names: [lb] }, steps: [{ run: last, env: { V: "\${{ stages.each.outputs.v1 }}" } }] }`,
  );
  const { id } = await execute(t, "gather", [], { targets: undefined });
  await offerTo("web-1", id);
  const [first, second] = agentOf("web-1").offers.filter((offer) => offer.executionId === id);
  for (const [i, offer] of [first!, second!].entries()) {
    const told = { ...finishedStep(), outputsJson: Buffer.from(JSON.stringify({ [`v${i}`]: "x" })) } as never;
    const said = { kind: "finished", state: "succeeded", reason: "" } as const;
    await agentOf("web-1").say(offer, { kind: "accepted" }, starting(), started(), finishedTry(none), told, said);
  }
  const offer = await offerTo("lb", id);
  expect(JSON.parse(Buffer.from(offer.needsOutputsJson).toString())).toEqual({
    stages: { each: { state: "succeeded", outputs: { v0: "x", v1: "x" }, targets: { "web-1": { v0: "x", v1: "x" } } } },
  });
  await runOn("lb", id);
});

test("a stage that calls a job runs on the targets that it names, whatever the execution chooses for the others", async () => {
  await saveTestJob(t, "part", "steps: [{ run: part }]");
  await saveTestJob(
    t,
    "whole",
    `stages:
  own: { job: part, targets: { names: [web-2] } }
  chosen: { job: part }`,
  );
  const { id } = await execute(t, "whole", ["web-1"]);
  expect(await statesOf(id)).toEqual([expect.stringContaining("own web-2"), expect.stringContaining("chosen web-1")]);
  await runOn("web-2", id);
  await runOn("web-1", id);
});

test("a stage that ended last beside a failed one counts as done when the workflow goes on", async () => {
  await saveTestJob(
    t,
    "beside",
    `stages:
  one: { targets: { names: [web-1] }, steps: [{ run: one }] }
  two: { targets: { names: [web-2] }, steps: [{ run: two }] }`,
  );
  const first = await execute(t, "beside", [], { targets: undefined });
  await runOn("web-1", first.id, "failed");
  await runOn("web-2", first.id);
  const { id } = await retryExecution(t.ctx, tester, { execution: first.id, repeatLost: false, reason: "" });
  await settled();
  expect(await stagesOf(id)).toEqual({ one: "running", two: "succeeded" });
  await runOn("web-1", id);
  expect(await getExecution(t.ctx, tester, id)).toMatchObject({ state: "succeeded" });
});

test("the plan says what would run where, in which batches, or why it would be refused, and makes nothing", async () => {
  const before = await t.ctx.sql`select count(*) from automation.executions`;
  const names = ["host-0", "host-1", "host-2", "host-3"];
  const plan = await planExecution(t.ctx, tester, {
    check: false,
    job: "patch",
    inputs: {},
    targets: { names },
    reason: "",
  });
  expect(plan).toMatchObject({ wouldRun: true, targetCount: 4 });
  expect(plan.stages[0]).toMatchObject({
    targets: { count: 4, offline: 0 },
    rollout: { batches: [1, 2, 1], maxFailures: 0 },
  });
  const refused = await planExecution(t.ctx, tester, {
    check: false,
    job: "patch",
    inputs: {},
    targets: { select: "no=such" },
    reason: "",
  });
  expect(refused).toMatchObject({ wouldRun: false, problem: expect.stringContaining("matches no target") });
  expect(await planExecution(t.ctx, tester, { check: false, job: "outer", inputs: {}, reason: "" })).toMatchObject({
    wouldRun: true,
    stages: [
      { id: "call", isGroup: true },
      { id: "call/one" },
      { id: "call/two" },
      { id: "each" },
      { id: "each/1" },
      { id: "each/2" },
      { id: "last" },
    ],
  });
  expect(await t.ctx.sql`select count(*) from automation.executions`).toEqual(before);
});

test("the list of a target's executions has each once, though several of its stages run there, page by page", async () => {
  await saveTestJob(
    t,
    "twice-there",
    `stages:
  one: { targets: { names: [lb] }, steps: [{ run: one }] }
  two: { needs: [one], targets: { names: [lb, web-1] }, steps: [{ run: two }] }`,
  );
  const made: string[] = [];
  for (let i = 0; i < 3; i++) made.unshift((await execute(t, "twice-there", [], { targets: undefined })).id);
  const page = (cursor?: string) =>
    listExecutions(t.ctx, tester, { target: "lb", job: "twice-there", limit: 2, ...(cursor ? { cursor } : {}) });
  const first = await page();
  const second = await page(first.nextCursor);
  expect([...first.items, ...second.items].map((execution) => execution.id)).toEqual(made);
  expect(second.nextCursor).toBeUndefined();
});
