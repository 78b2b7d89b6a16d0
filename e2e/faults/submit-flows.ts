// Starts one workflow after the other beside the plain jobs of a chaos run, and does to each what its plan says: approves
// and rejects, pauses and resumes, cancels, goes on from what failed. Every request is repeated until it is answered.
// Called by chaos.ts.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Execution } from "@opsconductor/contract/api/executions";
import { ApiError } from "../devstack/api.ts";
import { Approvers } from "./approvers.ts";
import type { AskedExecution } from "./evidence.ts";
import type { FaultStack } from "./fault-stack.ts";
import type { FlowPlan, FlowWorkload } from "./flow-plan.ts";
import type { WorkFeed } from "./submit-work.ts";
import { Underway } from "./underway.ts";
import { unfoldPlan } from "./unfold-plan.ts";

/** Invites the approvers; then starts executions while fewer than `maxOpen` of them are unfinished, until stopped. */
export async function feedFlows(
  faults: FaultStack,
  workload: Pick<FlowWorkload, "execution">,
  maxOpen: number,
): Promise<WorkFeed> {
  const people = new Approvers(faults);
  await people.invite();
  mkdirSync(`${faults.ledgerFile}.again`);
  return new FlowFeed(faults, people, workload, maxOpen);
}

class FlowFeed implements WorkFeed {
  readonly asked: AskedExecution[] = [];
  readonly answerMs: number[] = [];
  steps = 0;
  readonly #faults: FaultStack;
  readonly #people: Approvers;
  readonly #workload: Pick<FlowWorkload, "execution">;
  readonly #maxOpen: number;
  /** Unfinished, with who waits for their end. */
  readonly #open = new Map<string, (state: string | undefined) => void>();
  readonly #underway = new Underway();
  readonly #done: Promise<unknown>;
  #stopped = false;

  constructor(faults: FaultStack, people: Approvers, workload: Pick<FlowWorkload, "execution">, maxOpen: number) {
    this.#faults = faults;
    this.#people = people;
    this.#workload = workload;
    this.#maxOpen = maxOpen;
    this.#done = Promise.all([this.#run(), this.#watch()]);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
    await this.#underway.end();
  }

  async #run(): Promise<void> {
    for (let index = 0; !this.#stopped && !this.#underway.hasFailed; ) {
      if (this.#underway.size < this.#maxOpen) this.#underway.begin(this.#drive(this.#workload.execution(index++)));
      await sleep(20);
    }
  }

  async #drive(plan: FlowPlan): Promise<void> {
    const body = { inputs: { seed: plan.seed }, targets: { names: plan.targets } };
    const first = await this.#ask(plan, `/api/v1/jobs/${plan.job.name}/execute`, body);
    await Promise.all([this.#approve(plan, first!), this.#pause(plan, first!), this.#cancel(plan, first!)]);
    const state = await this.#untilEnded(first!.executionId);
    if (!plan.retries || this.#stopped || !["failed", "partial", "timed_out", "cancelled"].includes(state ?? ""))
      return;
    await this.#goOn(plan, first!.executionId);
  }

  /** Undefined: it was refused, which only what goes on from another may be. */
  async #ask(plan: FlowPlan, path: string, body: object, retryOf?: string): Promise<AskedExecution | undefined> {
    const began = performance.now();
    const answer = await this.#faults.api.answer<Execution>("POST", path, body, { "idempotency-key": plan.key });
    if (answer.status === 409 && retryOf !== undefined) return undefined;
    if (answer.status >= 300) throw new ApiError(`POST ${path}`, answer);
    this.answerMs.push(performance.now() - began);
    const about = { plan, executionId: answer.body.id, cancelAskedAt: undefined, answeredAt: Date.now() / 1000 };
    const asked: AskedExecution = { ...about, ...(retryOf === undefined ? {} : { retryOf }) };
    this.asked.push(asked);
    for (const { job, targets } of unfoldPlan(plan)) this.steps += job.steps.length * targets.length;
    return asked;
  }

  async #approve(plan: FlowPlan, asked: AskedExecution): Promise<void> {
    const { decision, job } = plan;
    if (decision === undefined) return;
    await sleep(decision.afterMs);
    if (decision.ownFirst) {
      const status = await this.#people.decideOwn(asked.executionId);
      if (status !== undefined) asked.ownApproval = status;
    }
    if (decision.kind === "none") return;
    const people = decision.kind === "reject" ? 1 : job.flow!.approval!.required;
    await this.#people.decide(asked.executionId, decision.kind, { people, repeats: decision.repeats });
  }

  async #pause({ pause }: FlowPlan, { executionId }: AskedExecution): Promise<void> {
    if (pause === undefined) return;
    await sleep(pause.afterMs);
    await this.#act(executionId, "pause");
    await sleep(this.#stopped ? 0 : pause.forMs);
    await this.#act(executionId, "resume");
  }

  async #cancel(plan: FlowPlan, asked: AskedExecution): Promise<void> {
    if (plan.cancelAfterMs === undefined) return;
    await sleep(plan.cancelAfterMs);
    asked.cancelAskedAt = Date.now() / 1000; // before the request: it may be done without being answered
    await this.#act(asked.executionId, "cancel");
  }

  /** A refusal is an answer: it may be over, or done already by a request that was not answered. */
  async #act(executionId: string, verb: "pause" | "resume" | "cancel"): Promise<void> {
    const path = `/api/v1/executions/${executionId}/${verb}`;
    const answer = await this.#faults.api.answer("POST", path, verb === "cancel" ? { reason: "planned" } : undefined);
    if (answer.status >= 300 && answer.status !== 409) throw new ApiError(`POST ${path}`, answer);
  }

  /** The steps find the file, and know that nothing is to fail any more. */
  async #goOn(plan: FlowPlan, executionId: string): Promise<void> {
    writeFileSync(join(`${this.#faults.ledgerFile}.again`, plan.seed), "");
    const again: FlowPlan = { ...plan, key: `${plan.key}-again`, isRetry: true, cancelAfterMs: undefined };
    const path = `/api/v1/executions/${executionId}/retry-failed`;
    const asked = await this.#ask(again, path, { repeatLost: true, reason: "goes on" }, executionId);
    if (asked === undefined) return; // nothing of it had failed
    const approve = plan.decision && { ...plan.decision, kind: "approve" as const };
    await this.#approve({ ...again, decision: approve }, asked);
    await this.#untilEnded(asked.executionId);
  }

  /** The state it ended in; undefined when no more work is wanted. */
  #untilEnded(executionId: string): Promise<string | undefined> {
    return new Promise((done) => this.#open.set(executionId, done));
  }

  async #watch(): Promise<void> {
    while (!this.#stopped) {
      await sleep(300);
      const rows = await this.#faults.owner()<{ id: string; state: string }[]>`
        select id, state from automation.executions
        where finished_at is not null and id = any(${[...this.#open.keys()]}::uuid[])`.catch(() => []); // PostgreSQL is away
      for (const { id, state } of rows) this.#end(id, state);
    }
    // Those that are asked for in this moment find nobody who tells them.
    while (this.#underway.size > 0) {
      for (const id of [...this.#open.keys()]) this.#end(id, undefined);
      await sleep(50);
    }
  }

  #end(executionId: string, state: string | undefined): void {
    this.#open.get(executionId)?.(state);
    this.#open.delete(executionId);
  }
}
