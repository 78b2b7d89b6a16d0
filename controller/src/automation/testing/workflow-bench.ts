// Hosts that run the stages of workflows, one step each, as a test says. Called by the tests of workflows and rollouts.
import { expect } from "vitest";
import { type TestContext, testContext } from "../../testing/test-context.ts";
import { getExecution } from "../get-execution.ts";
import { listAssignments } from "../list-assignments.ts";
import { FakeAgent, finishedStep, finishedTry, started, starting } from "./fake-agent.ts";
import { tester } from "./save-test-job.ts";

const none = Buffer.from("");

export class WorkflowBench {
  readonly t: TestContext;
  readonly agents: FakeAgent[] = [];

  private constructor(t: TestContext) {
    this.t = t;
  }

  static async with(hosts: readonly string[]): Promise<WorkflowBench> {
    const bench = new WorkflowBench(await testContext());
    await bench.connect(hosts);
    return bench;
  }

  async connect(hosts: readonly string[]): Promise<void> {
    for (const name of hosts) this.agents.push(await FakeAgent.connected(this.t, name));
    await this.t.ctx.automation.dispatcher.idle();
  }

  agentOf(name: string): FakeAgent {
    return this.agents.find((agent) => agent.name === name)!;
  }

  async settled(): Promise<void> {
    await this.t.ctx.automation.flows.idle();
    await this.t.ctx.automation.dispatcher.idle();
  }

  async stagesOf(id: string): Promise<Record<string, string>> {
    return Object.fromEntries((await getExecution(this.t.ctx, tester, id)).stages.map((s) => [s.id, s.state]));
  }

  /** `stage target state` of each assignment. */
  async statesOf(id: string): Promise<string[]> {
    const { items } = await listAssignments(this.t.ctx, tester, { execution: id, limit: 100 });
    return items.map((a) => `${a.stageId} ${a.targetName} ${a.state}`);
  }

  /** The newest offer of the execution to this agent. */
  async offerTo(name: string, id: string, stage?: string) {
    const find = () =>
      this.agentOf(name)
        .offers.filter((offer) => offer.executionId === id && (!stage || offer.stageId === stage))
        .at(-1);
    await expect.poll(find, { timeout: 3000 }).toBeDefined();
    return find()!;
  }

  async runOn(
    name: string,
    id: string,
    state = "succeeded",
    outputs: Record<string, string> = {},
    stage?: string,
  ): Promise<void> {
    const offer = await this.offerTo(name, id, stage);
    const told = { ...finishedStep("step-1", state), outputsJson: Buffer.from(JSON.stringify(outputs)) };
    await this.agentOf(name).say(
      offer,
      { kind: "accepted" },
      starting(),
      started(),
      finishedTry(none, "step-1", state),
      told as never,
      { kind: "finished", state: state as "succeeded", reason: "" },
    );
    await this.settled();
  }
}
