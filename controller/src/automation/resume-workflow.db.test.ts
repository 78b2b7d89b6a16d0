// Workflows that go on from their failed stages: what is taken over, and what is asked anew.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TestContext } from "../testing/test-context.ts";
import { compareExecutions } from "./compare-executions.ts";
import { getExecution } from "./get-execution.ts";
import { retryExecution } from "./retry-execution.ts";
import { execute, saveTestJob, tester } from "./testing/save-test-job.ts";
import { WorkflowBench } from "./testing/workflow-bench.ts";

let t: TestContext;
let bench: WorkflowBench;
beforeAll(async () => {
  bench = await WorkflowBench.with(["web-1", "web-2", "web-3", "lb"]);
  t = bench.t;
});
afterAll(() => t.close());

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
  await bench.runOn("lb", first.id, "succeeded", { v: "7" });
  await bench.runOn("web-1", first.id);
  await bench.runOn("web-2", first.id, "failed");
  expect(await getExecution(t.ctx, tester, first.id)).toMatchObject({ state: "failed" });
  const { id } = await retryExecution(t.ctx, tester, { execution: first.id, repeatLost: false, reason: "" });
  await bench.settled();
  expect(await bench.stagesOf(id)).toEqual({ build: "succeeded", deploy: "running", verify: "pending" });
  expect(await bench.statesOf(id)).toEqual(["deploy web-2 offered", "verify web-3 queued"]);
  const offer = await bench.offerTo("web-2", id);
  expect(JSON.parse(Buffer.from(offer.needsOutputsJson).toString())).toMatchObject({
    stages: { build: { outputs: { v: "7" } } },
  });
  await bench.runOn("web-2", id);
  await bench.runOn("web-3", id);
  expect(await getExecution(t.ctx, tester, id)).toMatchObject({ state: "succeeded", retryOf: { id: first.id } });
});

test("what was taken over names the execution that did it, also over several retries and in a comparison", async () => {
  await saveTestJob(
    t,
    "named",
    `stages:
  build: { matrix: { part: [a] }, targets: { names: [lb] }, steps: [{ run: make }] }
  deploy: { needs: [build], targets: { names: [web-1] }, steps: [{ run: deploy }] }
  verify: { needs: [deploy], targets: { names: [web-3] }, steps: [{ run: verify }] }`,
  );
  const first = await execute(t, "named", [], { targets: undefined });
  await bench.runOn("lb", first.id);
  await bench.runOn("web-1", first.id, "failed");
  const retry = (execution: string) => retryExecution(t.ctx, tester, { execution, repeatLost: false, reason: "" });
  const second = await retry(first.id);
  await bench.settled();
  await bench.runOn("web-1", second.id);
  await bench.runOn("web-3", second.id, "failed");
  const third = await retry(second.id);
  await bench.settled();
  const { stages } = await getExecution(t.ctx, tester, third.id);
  const [inFirst, inSecond] = [first, second].map(({ id, number }) => ({ id, number }));
  expect(stages.map((stage) => [stage.name, stage.doneIn, stage.stateReason])).toEqual([
    ["build", inFirst, `done in #${first.number}`],
    ["build (a)", inFirst, `done in #${first.number}`],
    ["deploy", inSecond, `done in #${second.number}`],
    ["verify", null, null],
  ]);
  const { steps } = await compareExecutions(t.ctx, tester, { execution: third.id, with: second.id });
  expect(steps.map((step) => [step.before?.doneIn, step.before?.targets, step.after?.doneIn])).toEqual([
    [inFirst, 0, inFirst],
    [null, 1, inSecond],
    [null, 1, null],
  ]);
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
  await bench.runOn("web-1", first.id, "succeeded", { v: "7" });
  await bench.runOn("web-2", first.id, "failed", { v: "6" });
  const retry = async (execution: string) =>
    (await retryExecution(t.ctx, tester, { execution, repeatLost: false, reason: "" })).id;
  const second = await retry(first.id);
  await bench.settled();
  await bench.runOn("web-2", second, "failed", { v: "6" });
  const third = await retry(second);
  await bench.settled();
  await bench.runOn("web-2", third, "succeeded", { v: "7", w: "8" });
  const offer = await bench.offerTo("lb", third);
  const outputs = { v: "7", w: "8" };
  expect(JSON.parse(Buffer.from(offer.needsOutputsJson).toString())).toEqual({
    stages: { deploy: { state: "succeeded", outputs, targets: { "web-1": { v: "7" }, "web-2": outputs } } },
  });
  await bench.runOn("lb", third);
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
  await bench.runOn("lb", first.id, "succeeded", {}, "build");
  await bench.runOn("lb", first.id, "succeeded", {}, "beside");
  await bench.runOn("web-1", first.id, "succeeded", {}, "deploy");
  await bench.runOn("web-2", first.id, "failed", {}, "deploy");
  for (const name of ["web-1", "web-2"]) await bench.runOn(name, first.id, "succeeded", {}, "undo");
  expect(await bench.stagesOf(first.id)).toMatchObject({ undo: "succeeded" });
  const retry = async (execution: string) =>
    (await retryExecution(t.ctx, tester, { execution, repeatLost: false, reason: "" })).id;
  const second = await retry(first.id);
  await bench.settled();
  expect(await bench.stagesOf(second)).toMatchObject({ undo: "pending", beside: "succeeded" });
  await bench.runOn("web-2", second, "failed", {}, "deploy");
  for (const name of ["web-1", "web-2"]) await bench.runOn(name, second, "succeeded", {}, "undo");
  const third = await retry(second);
  await bench.settled();
  await bench.runOn("web-2", third, "succeeded", {}, "deploy");
  expect(await bench.stagesOf(third)).toMatchObject({ deploy: "succeeded", undo: "skipped" });
  expect(await getExecution(t.ctx, tester, third)).toMatchObject({ state: "succeeded" });
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
  await bench.runOn("web-1", first.id, "failed");
  await bench.runOn("web-2", first.id);
  const { id } = await retryExecution(t.ctx, tester, { execution: first.id, repeatLost: false, reason: "" });
  await bench.settled();
  expect(await bench.stagesOf(id)).toEqual({ one: "running", two: "succeeded" });
  await bench.runOn("web-1", id);
  expect(await getExecution(t.ctx, tester, id)).toMatchObject({ state: "succeeded" });
});
