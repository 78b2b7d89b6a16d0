// Keeps a fault test's agents busy: saves the jobs, then starts one execution after the other and cancels some, asking
// again whatever was not answered. Called by the commands.
import { setTimeout as sleep } from "node:timers/promises";
import { ApiError } from "../devstack/api.ts";
import type { AskedExecution } from "./evidence.ts";
import type { FaultStack } from "./fault-stack.ts";
import { jobDocument } from "./job-document.ts";
import { Underway } from "./underway.ts";
import type { ExecutionPlan, Workload } from "./workload.ts";

export interface WorkFeed {
  readonly asked: AskedExecution[];
  /** Steps of all executions asked for, on all their targets. */
  readonly steps: number;
  /** How long each POST took until it was answered, with all repetitions. */
  readonly answerMs: number[];
  /** No new executions; resolves when what was begun is answered. */
  stop(): Promise<void>;
}

export async function saveJobs(faults: FaultStack, workload: Pick<Workload, "jobs">): Promise<void> {
  for (const job of workload.jobs) {
    const path = "/api/v1/jobs";
    const answer = await faults.api.answer("POST", path, jobDocument(job, faults.ledgerFile));
    // A request that was not answered may have saved it: the second one is then refused.
    if (answer.status !== 201 && answer.status !== 409) throw new ApiError(`POST ${path}`, answer);
  }
}

/** Starts executions while fewer than `maxOpen` of them are unfinished, until stopped. */
export function feedWork(
  faults: Pick<FaultStack, "api" | "owner">,
  workload: Pick<Workload, "execution">,
  maxOpen: () => number,
): WorkFeed {
  return new Feed(faults, workload, maxOpen);
}

class Feed implements WorkFeed {
  readonly asked: AskedExecution[] = [];
  readonly answerMs: number[] = [];
  steps = 0;
  readonly #faults: Pick<FaultStack, "api" | "owner">;
  readonly #workload: Pick<Workload, "execution">;
  readonly #maxOpen: () => number;
  readonly #open = new Set<string>();
  readonly #underway = new Underway();
  readonly #done: Promise<void>;
  #stopped = false;

  constructor(faults: Pick<FaultStack, "api" | "owner">, workload: Pick<Workload, "execution">, maxOpen: () => number) {
    this.#faults = faults;
    this.#workload = workload;
    this.#maxOpen = maxOpen;
    this.#done = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
    await this.#underway.end();
  }

  async #run(): Promise<void> {
    for (let index = 0; !this.#stopped && !this.#underway.hasFailed; ) {
      if (this.#open.size + this.#underway.size < this.#maxOpen()) {
        this.#underway.begin(this.#execute(this.#workload.execution(index)));
        index += 1;
      } else await this.#noteFinished();
      await sleep(10);
    }
  }

  async #execute(plan: ExecutionPlan): Promise<void> {
    const { api } = this.#faults;
    const began = performance.now();
    const path = `/api/v1/jobs/${plan.job.name}/execute`;
    const body = { inputs: { seed: plan.seed }, targets: { names: plan.targets } };
    const { id } = await api.call<{ id: string }>("POST", path, body, { "idempotency-key": plan.key });
    this.answerMs.push(performance.now() - began);
    const asked: AskedExecution = { plan, executionId: id, cancelAskedAt: undefined };
    this.asked.push(asked);
    this.steps += plan.job.steps.length * plan.targets.length;
    this.#open.add(id);
    if (plan.cancelAfterMs === undefined) return;
    await sleep(plan.cancelAfterMs);
    asked.cancelAskedAt = Date.now() / 1000; // before the request: it may be done without being answered
    const cancel = await api.answer("POST", `/api/v1/executions/${id}/cancel`, { reason: "planned by the fault test" });
    if (cancel.status >= 300 && cancel.status !== 409) throw new ApiError("cancel", cancel);
  }

  async #noteFinished(): Promise<void> {
    const sql = this.#faults.owner();
    const finished = await sql<{ id: string }[]>`
      select id from automation.executions where finished_at is not null and id = any(${[...this.#open]}::uuid[])`.catch(
      () => [], // PostgreSQL is away
    );
    for (const { id } of finished) this.#open.delete(id);
    await sleep(300);
  }
}
