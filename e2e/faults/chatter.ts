// One talkative execution after the other on one host, so that at every moment it has something to say: then the time
// until it is heard again is the network's and the product's, not the work's. Called by partition.ts and pause.ts.
import { setTimeout as sleep } from "node:timers/promises";
import type { Execution } from "@opsconductor/contract/api/executions";
import type { AskedExecution } from "./evidence.ts";
import type { ReliableApi } from "./reliable-api.ts";
import type { ExecutionPlan, JobPlan } from "./workload.ts";

const pieces = 25;

/** Prints a little five times a second. */
export const chatterJob: JobPlan = {
  name: "faults-chatter",
  limitBytes: 1024 * 1024,
  steps: [
    {
      ...{ id: "talk", phase: "steps", bytes: pieces * 50, output: "text", pieces, pauseMs: 200 },
      ...{ failTries: 0, retryMax: 0, timeoutMs: undefined, continueOnError: false, idempotent: false, shell: "none" },
    },
  ],
};

export class Chatter {
  readonly asked: AskedExecution[] = [];
  readonly #api: ReliableApi;
  readonly #host: string;
  readonly #done: Promise<void>;
  #stopped = false;

  constructor(api: ReliableApi, host: string) {
    this.#api = api;
    this.#host = host;
    this.#done = this.#run();
    this.#done.catch(() => {}); // told by stop()
  }

  /** Resolves when no further execution will be asked for; the last one may still run. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }

  async #run(): Promise<void> {
    for (let index = 0; !this.#stopped; index++) {
      const id = await this.#ask(index);
      while (!this.#stopped && (await this.#api.call<Execution>("GET", `/api/v1/executions/${id}`)).finishedAt === null)
        await sleep(500);
    }
  }

  async #ask(index: number): Promise<string> {
    const key = `chatter-${this.#host}-${index}`;
    const plan: ExecutionPlan = { key, job: chatterJob, seed: key, targets: [this.#host], cancelAfterMs: undefined };
    const body = { inputs: { seed: plan.seed }, targets: { names: plan.targets } };
    const path = `/api/v1/jobs/${chatterJob.name}/execute`;
    const { id } = await this.#api.call<Execution>("POST", path, body, { "idempotency-key": key });
    this.asked.push({ plan, executionId: id, cancelAskedAt: undefined });
    return id;
  }
}
