// A saved job and its executions, for *.db.test.ts.
import type { Execution } from "@opsconductor/contract/api/executions";
import { type TestContext, testActor } from "../../testing/test-context.ts";
import { type CreateExecutionParams, createExecution } from "../create-execution.ts";
import { createJob } from "../save-job.ts";
import { type AttemptAddress, FakeAgent } from "./fake-agent.ts";

export const tester = testActor();

/** `rest` is everything after the name, e.g. "steps: [{ run: echo hi }]". */
export async function saveTestJob(
  t: TestContext,
  name: string,
  rest = "steps: [{ run: echo hi }]",
  actor = tester,
): Promise<void> {
  const text = `apiVersion: opsconductor/v1\nkind: Job\nname: ${name}\n${rest}\n`;
  await createJob(t.ctx, actor, { definition: { bytes: Buffer.from(text), mediaType: "text/yaml" }, message: "" });
}

export async function execute(
  t: TestContext,
  job: string,
  names: readonly string[],
  more: Partial<CreateExecutionParams> = {},
  actor = tester,
): Promise<Execution> {
  return await createExecution(t.ctx, actor, { job, inputs: {}, targets: { names }, reason: "", ...more });
}

/** One attempt, offered to an agent of its own. */
export interface TestRun {
  agent: FakeAgent;
  offer: AttemptAddress;
  executionId: string;
}

let made = 0;
export async function offeredRun(t: TestContext, job: string): Promise<TestRun> {
  const agent = await FakeAgent.connected(t, `${job}-${++made}`);
  const { id } = await execute(t, job, [agent.name]);
  return { agent, offer: agent.offers[0]!, executionId: id };
}
