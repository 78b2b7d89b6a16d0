// Evidence of a small run in which everything is right: one execution on two hosts; its first step fails once and is
// tried again, its second prints past the limit, and is lost on the second host because its supervisor was killed. The
// tests of the checker break it.
import { createHash } from "node:crypto";
import type { AssignmentEvidence, Evidence, StepEvidence, StoredChunk, TryEvidence } from "../evidence.ts";
import { type LedgerEntry, tryKey } from "../ledger.ts";
import type { Entity, Transition } from "../transitions.ts";
import { type ExecutionPlan, expectedExitCode, expectedOutput, type StepPlan } from "../workload.ts";

const limitBytes = 1024;
const step = (id: string, given: Partial<StepPlan> = {}): StepPlan => ({
  ...{ id, phase: "steps", bytes: 300, output: "binary", pieces: 1, pauseMs: 0, failTries: 0, retryMax: 0 },
  ...{ timeoutMs: undefined, continueOnError: false, idempotent: false, shell: "none", ...given },
});
const steps = [
  step("flaky", { failTries: 1, retryMax: 1 }),
  step("loud", { bytes: 2000, output: "crlf" }),
  step("tidy", { phase: "finally", bytes: 0 }),
];
const plan: ExecutionPlan = {
  ...{ key: "work-0", job: { name: "faults-0", limitBytes, steps }, seed: "seed", targets: ["host-1", "host-2"] },
  cancelAfterMs: undefined,
};

export interface SampleEvidence extends Evidence {
  /** Stored rows of output by `tryKey`: to be broken. */
  chunks: Map<string, StoredChunk[]>;
}

export function sampleEvidence(): SampleEvidence {
  const sample = new Sample();
  sample.addHost("host-1", 10n, false);
  sample.addHost("host-2", 11n, true);
  return sample.finish();
}

class Sample {
  readonly #ledger: LedgerEntry[] = [];
  readonly #assignments: AssignmentEvidence[] = [];
  readonly #steps: StepEvidence[] = [];
  readonly #tries: TryEvidence[] = [];
  readonly #transitions: Transition[] = [];
  readonly #chunks = new Map<string, StoredChunk[]>();

  addHost(target: string, fence: bigint, losesLoud: boolean): void {
    const id = `assignment-${target}`;
    const common = { attempt: 1, fence };
    this.#move("execution", "execution", [null, "queued"]);
    this.#move("assignment", id, [null, "offered", "accepted", "running"], common);
    this.#addTry(id, target, fence, { id: "flaky", try: 1, state: "failed" });
    this.#addTry(id, target, fence, { id: "flaky", try: 2, state: "succeeded" });
    this.#addTry(id, target, fence, { id: "loud", try: 1, state: losesLoud ? "lost" : "succeeded" });
    this.#addTry(id, target, fence, { id: "tidy", try: 1, state: "succeeded" });
    for (const [position, { id: name }] of steps.entries()) {
      const state = this.#tries.findLast((row) => row.assignment === id && row.step === name)!.state;
      this.#steps.push({ assignment: id, step: name, attempt: 1, position, state: state as "succeeded", reason: "" });
      this.#move("step", `${id}/${name}`, [null, "running", state]);
    }
    const state = losesLoud ? "lost" : "succeeded";
    this.#move("assignment", id, ["running", state], common);
    const row = {
      id,
      executionId: "execution",
      stageId: "main",
      target,
      batch: 0,
      attempt: 1,
      fence,
      state,
      reason: null,
    } as const;
    this.#assignments.push(row);
  }

  #addTry(
    id: string,
    target: string,
    fence: bigint,
    of: { id: string; try: number; state: TryEvidence["state"] },
  ): void {
    const planned = steps.find((one) => one.id === of.id)!;
    const who = { assignment: id, attempt: 1, step: of.id, try: of.try };
    const raw = expectedOutput(plan, planned, target, of.try);
    const exit = expectedExitCode(plan, planned, target, of.try);
    const ledger = { ...who, execution: "execution", target, fence, pid: 100 + this.#ledger.length, at: 0 };
    this.#ledger.push({ kind: "start", ...ledger });
    const isLost = of.state === "lost";
    if (!isLost)
      this.#ledger.push({ kind: "end", ...ledger, exit, signal: "-", bytes: raw.length, sha256: sha256(raw) });
    const tail = 256;
    const isCut = raw.length > limitBytes;
    const stored = isCut ? Buffer.concat([raw.subarray(0, limitBytes - tail), raw.subarray(-tail)]) : raw;
    this.#tries.push({
      ...{ ...who, state: of.state, reason: "", exitCode: isLost ? null : exit, signal: null, rawBytes: raw.length },
      ...{ storedBytes: stored.length, outputBytes: stored.length, outputSha256: sha256(stored) },
      gaps: isCut ? [{ offset: limitBytes - tail, omittedBytes: raw.length - limitBytes }] : [],
    });
    const half = stored.length >> 1;
    const parts = [stored.subarray(0, half), stored.subarray(half)].filter((part) => part.length > 0);
    this.#chunks.set(
      tryKey(who),
      parts.map((bytes, at) => ({ offset: at * half, bytes })),
    );
    this.#move("try", tryKey(who), [null, "starting", "started", of.state], { attempt: 1 });
  }

  /** The states of a row, one after the other. The first is where it comes from. */
  #move(entity: Entity, key: string, path: (string | null)[], more: { attempt?: number; fence?: bigint } = {}): void {
    if (path[0] === null && this.#transitions.some((t) => t.entity === entity && t.key === key)) return;
    for (let at = 1; at < path.length; at++) {
      const [from, to] = [path[at - 1]!, path[at]!];
      const base = { ...moment(this.#transitions.length), epoch: null, anomaly: null };
      this.#transitions.push({
        ...base,
        entity,
        key,
        from,
        to,
        attempt: more.attempt ?? null,
        fence: more.fence ?? null,
      });
    }
  }

  finish(): SampleEvidence {
    this.#move("execution", "execution", ["queued", "running", "failed"]);
    this.#move("stage", "execution/main", [null, "pending", "running", "failed"]);
    const sessions = [3n, 3n, 4n].map((epoch, at): Transition => {
      const base = { ...moment(this.#transitions.length + at), attempt: null, fence: null, anomaly: null };
      const from = at === 0 ? null : "open";
      return { ...base, entity: "session", key: "agent", from, to: at === 1 ? "closed" : "open", epoch };
    });
    const counts = { succeeded: 1, lost: 1 };
    const chunks = this.#chunks;
    return {
      ...{
        asked: [{ plan: structuredClone(plan), executionId: "execution", cancelAskedAt: undefined }],
        ledger: this.#ledger,
        leftovers: [],
        chunks,
      },
      executions: [
        {
          ...{ id: "execution", key: plan.key, state: "failed", counts, requestedBy: "admin" },
          ...{ cancelRequestedAt: null, concurrencyKey: null },
        },
      ],
      stages: [
        {
          ...{ executionId: "execution", stageId: "main", state: "failed", counts },
          ...{ parent: null, isGroup: false, matrix: null },
        },
      ],
      ...{ approvals: [], decisions: [] },
      ...{ assignments: this.#assignments, steps: this.#steps, tries: this.#tries },
      transitions: [...this.#transitions, ...sessions],
      readOutput: (of) => chunks.get(tryKey(of)) ?? [],
      killedSpawns: [{ fence: 11n, position: 1, try: 1, spawn: 1, hadExitRecord: false }],
    };
  }
}

const moment = (id: number) => ({
  id,
  at: new Date(0),
  begunAt: new Date(0),
  transaction: String(id),
  snapshot: `${id}:${id}:`,
});

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
