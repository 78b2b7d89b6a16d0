// A host on which every step succeeds at once (or the first fails, where the benchmark says so) and prints nothing: behind the real link of an agent it stands for one of
// thousands. Its journal is its memory. Built by simulated-fleet.ts.
import { createHash, randomUUID } from "node:crypto";
import type { EventBody, StoredEvent } from "../../agent/src/journal/journal.ts";
import type { DesireMessage, Host, OfferMessage } from "../../agent/src/link/host.ts";
import { planOffer } from "../../agent/src/runner/plan-offer.ts";

interface Attempt {
  offer: OfferMessage;
  state: string;
  events: StoredEvent[];
}

const nothing = createHash("sha256").digest();

export class SimulatedHost implements Host {
  readonly #journalId = randomUUID();
  readonly #attempts = new Map<bigint, Attempt>();
  #position = 0n;
  #ready: () => void = () => {};
  readonly #fails: boolean;
  /** How much work it was ever given. */
  offers = 0;

  constructor(fails = false) {
    this.#fails = fails;
  }

  journalId = () => this.#journalId;
  journalPosition = () => this.#position;
  bootId = () => "a boot of nothing";
  actions = () => [];
  degraded = () => "";

  attempts() {
    return [...this.#attempts.values()].map(({ offer: { assignmentId, attempt, fence }, state, events }) => ({
      ...{ assignmentId, attempt, fence, state },
      lastSeq: BigInt(events.length),
    }));
  }

  receiveOffer(offer: OfferMessage): void {
    if (this.#attempts.has(offer.fence)) return;
    const attempt: Attempt = { offer, state: "accepted", events: [] };
    this.#attempts.set(offer.fence, attempt);
    this.offers++;
    for (const body of eventsOf(offer, this.#fails)) this.#record(attempt, body);
    queueMicrotask(this.#ready);
  }

  receiveDesire({ fence, want }: DesireMessage): void {
    if (want === "forget") this.#attempts.delete(fence);
  }

  #record(attempt: Attempt, body: EventBody): void {
    this.#position += 1n;
    if (body.kind === "finished") attempt.state = body.state;
    const { assignmentId, attempt: number, fence } = attempt.offer;
    const at = { atMs: Date.now(), monotonicMs: performance.now(), bootId: this.bootId() };
    const seq = BigInt(attempt.events.length + 1);
    attempt.events.push({ ...{ assignmentId, attempt: number, fence, seq, body }, ...at });
  }

  eventsAfter(fence: bigint, seq: bigint, limit: number): StoredEvent[] {
    return this.#attempts.get(fence)?.events.slice(Number(seq), Number(seq) + limit) ?? [];
  }

  acknowledgeEvents(): void {}
  outputSources = () => [];
  readOutput = async () => new Uint8Array();
  acknowledgeOutput(): void {}

  onReady(listener: () => void): void {
    this.#ready = listener;
  }

  onDegraded(): void {}
  facts = async () => ({ os: { family: "linux" } });
  vitals = () => ({
    ...{ runningAttempts: this.#attempts.size, spooledBytes: 0n, load1: 0 },
    ...{ cpuFraction: 0, memoryUsedBytes: 1, memoryTotalBytes: 2 },
  });
}

/** What a real agent tells of a stage whose steps all succeed, or whose first fails. */
function eventsOf(offer: OfferMessage, fails: boolean): EventBody[] {
  const { planned, refusal } = planOffer({ ...offer, acceptedAtMs: Date.now() });
  if (!planned) return [{ kind: "denied", ...refusal }];
  const needed = planned.plan.steps.filter((step) => step.phase !== "onFailure");
  const skipped = planned.plan.steps.filter((step) => step.phase === "onFailure");
  if (fails) return [{ kind: "accepted" }, ...failure(planned.plan.steps.map(({ id }) => id))];
  return [
    { kind: "accepted" },
    ...needed.flatMap(({ id }) => stepEvents(id, "succeeded")),
    ...skipped.map(({ id }) => stepEnd(id, "skipped", "no step failed")),
    { kind: "finished", state: "succeeded", reason: "" },
  ];
}

function failure([first, ...others]: string[]): EventBody[] {
  return [
    ...stepEvents(first!, "failed"),
    ...others.map((id) => stepEnd(id, "skipped", "a step before it failed")),
    { kind: "finished", state: "failed", reason: "the step ended with 1" },
  ];
}

function stepEvents(stepId: string, state: "succeeded" | "failed"): EventBody[] {
  const spawn = { stepId, try: 1, spawn: 1 };
  const exitCode = state === "failed" ? 1 : 0;
  return [
    { kind: "tryStarting", ...spawn },
    { kind: "tryStarted", ...spawn, pid: 1, bootId: "a boot of nothing" },
    {
      ...{ kind: "tryFinished", stepId, try: 1, state, exitCode, signal: "", reason: "" },
      ...{ outputBytes: 0n, outputSha256: nothing, gaps: [], rawBytes: 0n, durationMs: 0 },
    },
    stepEnd(stepId, state, ""),
  ];
}

function stepEnd(stepId: string, state: string, reason: string): EventBody {
  return { kind: "stepFinished", stepId, state, reason, outputsJson: Buffer.from("{}"), changed: false };
}
