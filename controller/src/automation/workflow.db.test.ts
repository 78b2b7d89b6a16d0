// Workflows: stages after each other, jobs that call jobs, and what is seen of them.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TestContext } from "../testing/test-context.ts";
import { cancelExecution } from "./cancel-execution.ts";
import { getExecution } from "./get-execution.ts";
import { listExecutions } from "./list-executions.ts";
import { planExecution } from "./plan-execution.ts";
import { readOutputLines } from "./read-output-lines.ts";
import { readTimeline } from "./read-timeline.ts";
import { finishedStep, finishedTry, started, starting } from "./testing/fake-agent.ts";
import { execute, saveTestJob, tester } from "./testing/save-test-job.ts";
import { WorkflowBench } from "./testing/workflow-bench.ts";

let t: TestContext;
let bench: WorkflowBench;
beforeAll(async () => {
  bench = await WorkflowBench.with(["web-1", "web-2", "web-3", "lb"]);
  t = bench.t;
});
afterAll(() => t.close());

const none = Buffer.from("");

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
  await bench.settled();
  expect(await bench.stagesOf(id)).toEqual({ build: "running", deploy: "pending", undo: "pending" });
  expect(bench.agentOf("web-2").offers.filter((offer) => offer.executionId === id)).toEqual([]);
  await bench.runOn("web-1", id, "succeeded", { version: "1.2" });
  const offer = await bench.offerTo("web-2", id);
  expect(offer.stageId).toBe("deploy");
  expect(JSON.parse(Buffer.from(offer.needsOutputsJson).toString())).toEqual({
    stages: { build: { state: "succeeded", outputs: { version: "1.2" }, targets: { "web-1": { version: "1.2" } } } },
  });
  await bench.runOn("web-2", id);
  await bench.runOn("web-3", id);
  expect(await bench.stagesOf(id)).toEqual({ build: "succeeded", deploy: "succeeded", undo: "skipped" });
  expect(await getExecution(t.ctx, tester, id)).toMatchObject({ state: "succeeded" });
  expect((await bench.statesOf(id)).at(-1)).toBe("undo lb skipped");
});

test("an execution is queued until its first stage begins, and runs from then on", async () => {
  await saveTestJob(t, "begins", "stages: { all: { targets: { names: [web-1] }, steps: [{ run: make }] } }");
  const made = await execute(t, "begins", [], { targets: undefined });
  expect(made).toMatchObject({ state: "queued", startedAt: null });
  const { id } = made;
  await bench.settled();
  expect(await bench.stagesOf(id)).toEqual({ all: "running" });
  const running = await getExecution(t.ctx, tester, id);
  expect(running).toMatchObject({ state: "running", counts: { offered: 1 } });
  const [stage] = await t.ctx.sql`select started_at from automation.stages where execution_id = ${id}`;
  expect(running.startedAt).toBe(stage!.startedAt.toISOString());
  await bench.runOn("web-1", id);
  expect(await getExecution(t.ctx, tester, id)).toMatchObject({ state: "succeeded", startedAt: running.startedAt });
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
  await bench.runOn("web-1", id, "failed");
  expect(await bench.stagesOf(id)).toMatchObject({ deploy: "failed", verify: "skipped", undo: "running" });
  await bench.runOn("lb", id);
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
  await bench.runOn("web-1", id, "succeeded", { url: "https://a.test" });
  const offer = await bench.offerTo("lb", id);
  expect(offer.check).toBe(true);
  expect(offer.stageId).toBe("main");
  expect(Buffer.from(offer.definition).toString()).toContain("name: smoke\n");
  expect(JSON.parse(Buffer.from(offer.inputsJson).toString())).toEqual({ url: "https://a.test", tries: 5 });
  await bench.runOn("lb", id);
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
  await bench.settled();
  expect(await bench.stagesOf(id)).toMatchObject({
    call: "running",
    "call/one": "running",
    "call/two": "pending",
    each: "pending",
  });
  await bench.runOn("web-1", id, "succeeded", {}, "one");
  const two = await bench.offerTo("web-2", id);
  expect(two.stageId).toBe("two");
  expect(JSON.parse(Buffer.from(two.inputsJson).toString())).toEqual({ where: "eu" });
  await bench.runOn("web-2", id);
  expect(await bench.stagesOf(id)).toMatchObject({
    call: "succeeded",
    each: "running",
    "each/1": "running",
    "each/2": "running",
  });
  const item = await bench.offerTo("web-3", id);
  expect(JSON.parse(Buffer.from(item.needsOutputsJson).toString())).toMatchObject({ matrix: { host: "web-3" } });
  await bench.runOn("web-1", id, "succeeded", {}, "each");
  await bench.runOn("web-3", id);
  await bench.runOn("lb", id);
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
  const offer = await bench.offerTo("web-1", id);
  await cancelExecution(t.ctx, tester, { execution: id, reason: "" });
  const said = { kind: "finished", state: "cancelled", reason: "" } as const;
  await bench
    .agentOf("web-1")
    .say(
      offer,
      { kind: "accepted" },
      starting(),
      started(),
      finishedTry(none, "step-1", "cancelled"),
      finishedStep("step-1", "cancelled"),
      said,
    );
  await bench.settled();
  expect(await getExecution(t.ctx, tester, id)).toMatchObject({ state: "cancelled" });
  expect(await bench.stagesOf(id)).toEqual({ deploy: "cancelled", verify: "cancelled", undo: "cancelled" });
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
    const offer = await bench.offerTo("web-1", id, stage);
    await bench.agentOf("web-1").say(offer, { kind: "accepted" });
    await bench.agentOf("web-1").run(offer, Buffer.from(`output of ${stage}\n`));
    await bench.settled();
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
  for (const name of ["web-1", "web-2", "lb"]) await bench.runOn(name, id);
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

test("what repeated and called stages give out is what all their parts gave, also those that end last", async () => {
  await saveTestJob(
    t,
    "gather",
    `stages:
  each: { matrix: { item: [a, b] }, targets: { names: [web-1] }, steps: [{ run: give }] }
  last: { needs: [each], targets: { names: [lb] }, steps: [{ run: last, env: { V: "\${{ stages.each.outputs.v1 }}" } }] }`,
  );
  const { id } = await execute(t, "gather", [], { targets: undefined });
  await bench.offerTo("web-1", id);
  const [first, second] = bench.agentOf("web-1").offers.filter((offer) => offer.executionId === id);
  for (const [i, offer] of [first!, second!].entries()) {
    const told = {
      ...finishedStep(),
      outputsJson: Buffer.from(JSON.stringify({ [`v${i}`]: "x", same: "s", part: String(i) })),
    } as never;
    const said = { kind: "finished", state: "succeeded", reason: "" } as const;
    await bench.agentOf("web-1").say(offer, { kind: "accepted" }, starting(), started(), finishedTry(none), told, said);
  }
  const offer = await bench.offerTo("lb", id);
  const agreed = { v0: "x", v1: "x", same: "s" };
  expect(JSON.parse(Buffer.from(offer.needsOutputsJson).toString())).toEqual({
    stages: { each: { state: "succeeded", outputs: agreed, targets: { "web-1": agreed } } },
  });
  await bench.runOn("lb", id);
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
  expect(await bench.statesOf(id)).toEqual([
    expect.stringContaining("own web-2"),
    expect.stringContaining("chosen web-1"),
  ]);
  await bench.runOn("web-2", id);
  await bench.runOn("web-1", id);
});

test("a target of several stages is one target, in the plan and in the execution", async () => {
  const rest = "stages: { one: { steps: [{ run: a }] }, two: { needs: [one], steps: [{ run: b }] } }";
  await saveTestJob(t, "two-stages", rest);
  const targets = { names: ["web-1", "web-2"] };
  const request = { check: false, job: "two-stages", inputs: {}, targets, reason: "" };
  expect(await planExecution(t.ctx, tester, request)).toMatchObject({ wouldRun: true, targetCount: 2 });
  const { id, targetCount } = await execute(t, "two-stages", targets.names);
  expect(targetCount).toBe(2);
  await bench.settled();
  await bench.runOn("web-1", id, "failed");
  await cancelExecution(t.ctx, tester, { execution: id, reason: "" });
});

test("the plan says what would run where, in which batches, or why it would be refused, and makes nothing", async () => {
  const before = await t.ctx.sql`select count(*) from automation.executions`;
  const names = ["host-0", "host-1", "host-2", "host-3"];
  await bench.connect(names);
  await saveTestJob(t, "patch", "rollout: { canary: 1, batch: 30%, maxFailures: 10% }\nsteps: [{ run: apt }]");
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
