// One attempt while it is not finished: its plan, what it has done, and what the controller wants of it. Events are
// noted, then written together in one durable commit before anything depends on them.
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ExpressionScope, InputValue } from "@opsconductor/contract/job/expression";
import { checkInputs } from "@opsconductor/contract/job/inputs";
import type { Job } from "@opsconductor/contract/job/job-schema";
import type { StagePlan } from "@opsconductor/contract/job/plan-stage";
import type { EventBody, JournalRecord, OfferRecord, Want } from "../journal/journal.ts";
import { JournalFull } from "../journal/journal-problems.ts";
import { type AttemptProgress, applyEvent, emptyProgress } from "./attempt-progress.ts";
import type { HostContext } from "./host-context.ts";
import { readBefore } from "./plan-offer.ts";

/** Between two looks whether a full disk has space again. */
const fullDiskPauseMs = 1000;

export interface PlannedJob {
  job: Job;
  plan: StagePlan;
}

/** The working folder of the steps, in the attempt's. */
export const workName = "work";

export class Attempt {
  readonly offer: OfferRecord;
  readonly job: Job;
  readonly plan: StagePlan;
  readonly inputs: Record<string, InputValue>;
  /** What the stages before gave out, and the item of the matrix. */
  readonly before: Pick<ExpressionScope, "stages" | "matrix">;
  readonly progress: AttemptProgress = emptyProgress();
  readonly folder: string;
  /** Steps work here; it goes when the attempt is over. */
  readonly workingFolder: string;
  want: Want;
  wantReason: string;
  releaseThroughStep: number;
  hasSlot = false;
  readonly #host: HostContext;
  readonly #cancel = new AbortController();
  #records: JournalRecord[] = [];
  #afterCommit: (() => void)[] = [];
  #changed = Promise.withResolvers<void>();

  constructor(host: HostContext, offer: OfferRecord, planned: PlannedJob, releaseThroughStep: number) {
    this.#host = host;
    this.offer = offer;
    this.job = planned.job;
    this.plan = planned.plan;
    this.inputs = checkInputs(this.job.inputs, JSON.parse(Buffer.from(offer.inputsJson).toString() || "{}")).values;
    this.before = readBefore(offer) ?? {};
    this.folder = attemptFolder(host.stateFolder, offer.fence);
    this.workingFolder = join(this.folder, workName);
    this.want = "run";
    this.wantReason = "";
    this.releaseThroughStep = releaseThroughStep;
  }

  get fence(): bigint {
    return this.offer.fence;
  }

  get cancelled(): boolean {
    return this.#cancel.signal.aborted;
  }

  get cancelSignal(): AbortSignal {
    return this.#cancel.signal;
  }

  /** Resolves at the next change of what is wanted. */
  get changed(): Promise<void> {
    return this.#changed.promise;
  }

  setWant(want: Want, reason: string, releaseThroughStep: number): void {
    this.want = want;
    this.wantReason = reason;
    this.releaseThroughStep = releaseThroughStep;
    if (want === "cancel") this.#cancel.abort();
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }

  /** Takes an event into the picture at once, and into the next commit. */
  note(body: EventBody): void {
    const at = this.#host.now();
    applyEvent(this.progress, body, at);
    this.#records.push({ kind: "event", fence: this.fence, at, body });
  }

  record(record: JournalRecord): void {
    this.#records.push(record);
  }

  /** Runs once the noted records are durable. */
  afterCommit(action: () => void): void {
    this.#afterCommit.push(action);
  }

  /**
   * Makes everything noted durable. Throws when the journal fails: then nothing may be started or reported. A full disk
   * (JournalFull) leaves it noted, for the next time.
   */
  commitNow(tell: "now" | "soon" = "now"): void {
    if (this.#records.length === 0) return;
    this.#host.journal.commit(this.#records);
    this.#records = [];
    const actions = this.#afterCommit;
    this.#afterCommit = [];
    for (const action of actions) action();
    this.#host.ready(tell);
  }

  /** As commitNow; where the disk is full it waits for space, because what happened must not be lost for that. */
  async commit(tell: "now" | "soon" = "now"): Promise<void> {
    for (;;) {
      try {
        this.commitNow(tell);
        return;
      } catch (error) {
        if (!(error instanceof JournalFull)) throw error;
        this.#host.log.warn({ event: "journal.full", fence: this.fence });
        await sleep(fullDiskPauseMs, undefined, { signal: this.#host.signal });
      }
    }
  }
}

export function attemptFolder(stateFolder: string, fence: bigint): string {
  return join(stateFolder, "work", String(fence));
}
