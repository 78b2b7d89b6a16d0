// Evidence of four executions of one workflow in which everything is right: one that was approved, paused and succeeded;
// one that was rejected; one that waited for its turn, spent its failure budget and was repaired; and one that goes on
// from that. The tests of the checker break it.
import { createHash } from "node:crypto";
import type { StageState } from "@opsconductor/contract/states";
import type { AskedExecution, Evidence } from "../evidence.ts";
import type { FlowPlan, StageSpec } from "../flow-plan.ts";
import type { LedgerEntry } from "../ledger.ts";
import type { Entity, Transition } from "../transitions.ts";
import { dealtBatches, type PlannedStage, unfoldPlan } from "../unfold-plan.ts";
import type { JobPlan, StepPlan } from "../workload.ts";

const emptySha256 = createHash("sha256").digest("hex");
const step = (id: string, given: Partial<StepPlan> = {}): StepPlan => ({
  ...{ id, phase: "steps", bytes: 0, output: "text", pieces: 1, pauseMs: 0, failTries: 0, retryMax: 0 },
  ...{ timeoutMs: undefined, continueOnError: false, idempotent: false, shell: "none", ...given },
});
const jobOf = (steps: StepPlan[]): JobPlan => ({ name: "flow", limitBytes: 1024, steps });
const stage = (id: string, needs: string[], given: Partial<StageSpec>): StageSpec => ({
  ...{ id, needs, condition: "success()", job: jobOf([step(`${id}-1`, { gives: true })]), calls: false, ...given },
});
const rollout = { canary: 1, batch: 1, pauseMs: 0, maxFailures: 0, order: "step-first" } as const;
/** Fails where `failOn` says, and not when it goes on. */
const job = (failOn?: string[]): JobPlan => ({
  ...jobOf([]),
  flow: {
    approval: { required: 1, by: ["user:boss"], expires: "1m" },
    concurrency: { key: "turn", limit: 1, onConflict: "queue" },
    stages: [
      stage("d", [], {}),
      stage("a", [], {
        job: jobOf([step("a-1", { gives: true, ...(failOn && { failOn }) }), step("a-2")]),
        rollout: { ...rollout, canary: 2 },
        targets: ["host-1", "host-2", "host-3"],
      }),
      stage("b", ["a"], { matrix: ["red", "green"], reads: "a" }),
      stage("c", ["b"], { condition: "failure()" }),
    ],
  },
});

export function sampleFlowEvidence(): Evidence {
  const sample = new FlowSample();
  const first = sample.ask("one", job());
  const second = sample.ask("two", job());
  const third = sample.ask("three", job(["host-1"]));
  sample.decide(first, "approve");
  sample.decide(second, "reject");
  sample.decide(third, "approve");
  sample.take(first);
  sample.runStages(first, { pauseBefore: "b" });
  sample.finish(first, "succeeded");
  sample.take(third);
  sample.runStages(third, {});
  sample.finish(third, "failed");
  const again = sample.ask("three-again", job(["host-1"]), third.executionId);
  sample.decide(again, "approve");
  sample.take(again);
  sample.runStages(again, { done: ["d"] });
  sample.finish(again, "succeeded");
  return sample.evidence;
}

class FlowSample {
  readonly evidence: Evidence = {
    ...{ asked: [], ledger: [], executions: [], stages: [], assignments: [], steps: [], tries: [], approvals: [] },
    ...{ decisions: [], transitions: [], killedSpawns: [], leftovers: [], readOutput: () => [] },
  };
  #clock = 0;
  #fence = 0n;

  #move(entity: Entity, key: string, from: string | null, to: string, more: Partial<Transition> = {}): Transition {
    const at = new Date(++this.#clock * 1000);
    const move: Transition = {
      ...{
        id: this.#clock,
        at,
        begunAt: at,
        transaction: String(this.#clock),
        snapshot: `${this.#clock}:${this.#clock}:`,
        entity,
        key,
        from,
        to,
      },
      ...{ attempt: null, fence: null, epoch: null, anomaly: null, ...more },
    };
    this.evidence.transitions.push(move);
    return move;
  }

  ask(key: string, of: JobPlan, retryOf?: string): AskedExecution {
    const executionId = `execution-${this.evidence.asked.length + 1}`;
    const plan: FlowPlan = {
      ...{ key, job: of, seed: "s", targets: ["host-1"], cancelAfterMs: undefined, isRetry: retryOf !== undefined },
      ...{ decision: undefined, pause: undefined, retries: false },
    };
    this.#move("execution", executionId, null, "awaiting_approval");
    const asked = { plan, executionId, cancelAskedAt: undefined, answeredAt: ++this.#clock };
    this.evidence.asked.push({ ...asked, ...(retryOf === undefined ? {} : { retryOf }) });
    this.evidence.executions.push({
      ...{ id: executionId, key, state: "awaiting_approval", counts: {}, requestedBy: "admin" },
      ...{ cancelRequestedAt: null, concurrencyKey: "turn" },
    });
    this.#move("approval", executionId, null, "waiting");
    for (const planned of unfoldPlan(plan)) this.#addStage(executionId, planned, retryOf);
    return this.evidence.asked.at(-1)!;
  }

  #addStage(executionId: string, planned: PlannedStage, retryOf: string | undefined): void {
    const { id: stageId, parent, isGroup, item, rollout: rule } = planned;
    const before = this.evidence.stages.find((row) => row.executionId === retryOf && row.stageId === stageId);
    // What answers to a failure is asked anew.
    const isDone = before?.state === "succeeded" && planned.condition !== "failure()";
    this.evidence.stages.push({
      ...{ executionId, stageId, state: isDone ? "succeeded" : "pending", counts: {}, parent, isGroup },
      matrix: item === undefined ? null : { item },
    });
    this.#move("stage", `${executionId}/${stageId}`, null, isDone ? "succeeded" : "pending");
    const batches = dealtBatches(planned.targets.length, rule);
    const isLeft = (target: string) =>
      !this.evidence.assignments.some(
        (row) =>
          row.executionId === retryOf && row.stageId === stageId && row.target === target && row.state === "succeeded",
      );
    for (const [at, target] of isDone ? [] : planned.targets.entries()) {
      if (planned.condition !== "failure()" && !isLeft(target)) continue;
      const id = `${executionId}/${stageId}/${target}`;
      const row = { id, executionId, stageId, target, batch: batches[at]!, attempt: 0, fence: null } as const;
      this.evidence.assignments.push({ ...row, state: "queued", reason: null });
      this.#move("assignment", id, null, "queued");
    }
  }

  decide({ executionId }: AskedExecution, decision: "approve" | "reject"): void {
    const outcome = decision === "approve" ? "approved" : "rejected";
    const { at } = this.#move("decision", `${executionId}/boss`, null, decision);
    const who = { executionId, userId: "boss", userName: "boss", decision, content: "00", at };
    this.evidence.decisions.push(who);
    this.#move("approval", executionId, "waiting", outcome);
    const expiresAt = new Date(this.#clock * 1000 + 60_000);
    this.evidence.approvals.push({ executionId, outcome, requestedAt: at, expiresAt });
    if (decision === "approve") this.#enter(executionId, "queued");
    else {
      for (const row of this.evidence.assignments.filter((one) => one.executionId === executionId)) {
        row.state = "cancelled";
        this.#move("assignment", row.id, "queued", "cancelled");
      }
      for (const row of this.evidence.stages.filter((one) => one.executionId === executionId))
        this.#endStage(executionId, row.stageId, "cancelled");
      this.finish({ executionId } as AskedExecution, "cancelled");
    }
  }

  #enter(executionId: string, to: "queued" | "running" | "paused" | "succeeded" | "failed" | "cancelled"): void {
    const row = this.evidence.executions.find(({ id }) => id === executionId)!;
    this.#move("execution", executionId, row.state, to);
    row.state = to;
  }

  take({ executionId }: AskedExecution): void {
    this.#move("turn", executionId, "free", "held");
  }

  finish({ executionId }: AskedExecution, state: "succeeded" | "failed" | "cancelled"): void {
    const rows = this.evidence.assignments.filter((row) => row.executionId === executionId);
    this.evidence.executions.find(({ id }) => id === executionId)!.counts = countOf(rows);
    this.#enter(executionId, state);
    const isHeld = this.evidence.transitions.some(({ entity, key }) => entity === "turn" && key === executionId);
    if (isHeld) this.#move("turn", executionId, "held", "free");
  }

  runStages(asked: AskedExecution, { pauseBefore, done = [] }: { pauseBefore?: string; done?: string[] }): void {
    const { executionId, plan } = asked;
    let hasFailed = false;
    for (const planned of unfoldPlan(plan)) {
      if (done.includes(planned.id)) continue;
      if (planned.id === pauseBefore) {
        this.#enter(executionId, "paused");
        this.#enter(executionId, "running");
      }
      const runs = planned.condition === "always()" || hasFailed === (planned.condition === "failure()");
      const isPart = planned.parent !== null;
      if (!runs || (isPart && hasFailed)) {
        this.#endStage(executionId, planned.id, "skipped");
        continue;
      }
      this.#move("stage", `${executionId}/${planned.id}`, "pending", "running");
      if (planned.isGroup) continue;
      const isGood = this.#runBatches(asked, planned);
      hasFailed ||= !isGood;
      this.#endStage(executionId, planned.id, isGood ? "succeeded" : "failed", "running");
      if (planned.id === "b/2") this.#endStage(executionId, "b", "succeeded", "running");
    }
  }

  /** False: its budget was spent in the first batch. */
  #runBatches({ executionId, plan }: AskedExecution, planned: PlannedStage): boolean {
    if (plan.job.flow && this.evidence.executions.find(({ id }) => id === executionId)!.state === "queued")
      this.#enter(executionId, "running");
    const rows = this.evidence.assignments.filter(
      (row) => row.executionId === executionId && row.stageId === planned.id,
    );
    for (const [, batch] of Map.groupBy(rows, (row) => row.batch)) {
      for (const row of batch) this.#begin(row);
      const failing = new Set<string>();
      for (const [position, one] of planned.job.steps.entries())
        for (const row of batch)
          if (!this.#runStep({ plan, planned, row, step: one, position, skips: failing.has(row.id) }))
            failing.add(row.id);
      for (const row of batch) {
        row.state = failing.has(row.id) ? "failed" : "succeeded";
        this.#move("assignment", row.id, "running", row.state, { attempt: 1, fence: row.fence });
      }
      if (failing.size === 0) continue;
      this.#move("stop", `${executionId}/${planned.id}`, "open", "stopped");
      for (const row of rows.filter(({ state }) => state === "queued")) {
        row.state = "skipped";
        this.#move("assignment", row.id, "queued", "skipped");
      }
      return false;
    }
    return true;
  }

  #begin(row: Evidence["assignments"][number]): void {
    const numbers = { attempt: 1, fence: ++this.#fence };
    Object.assign(row, numbers);
    for (const [from, to] of [
      ["queued", "offered"],
      ["offered", "accepted"],
      ["accepted", "running"],
    ] as const)
      this.#move("assignment", row.id, from, to, numbers);
  }

  /** False: it failed. */
  #runStep(of: {
    plan: FlowPlan | AskedExecution["plan"];
    planned: PlannedStage;
    row: Evidence["assignments"][number];
    step: StepPlan;
    position: number;
    skips: boolean;
  }): boolean {
    const { plan, planned, row, step: one, position, skips } = of;
    const common = { assignment: row.id, step: one.id, attempt: 1 };
    const fails = !plan.isRetry && one.failOn?.includes(row.target) === true;
    const state = skips ? "skipped" : fails ? "failed" : "succeeded";
    this.evidence.steps.push({ ...common, position, state, reason: "" });
    this.#move("step", `${row.id}/${one.id}`, null, state);
    if (skips) return false;
    const who = { ...common, execution: row.executionId, target: row.target, fence: row.fence!, try: 1, pid: 1 };
    const given = planned.reads === undefined ? "none" : "s.a-1";
    const exit = fails ? 3 : 0;
    const start: LedgerEntry = { kind: "start", ...who, at: ++this.#clock, given };
    const end: LedgerEntry = {
      kind: "end",
      ...who,
      at: ++this.#clock,
      exit,
      signal: "-",
      bytes: 0,
      sha256: emptySha256,
    };
    this.evidence.ledger.push(start, end);
    this.evidence.tries.push({
      ...{ ...common, try: 1, state: fails ? "failed" : "succeeded", reason: "", exitCode: exit, signal: null },
      ...{ storedBytes: 0, outputBytes: 0, outputSha256: emptySha256, rawBytes: 0, gaps: [] },
    });
    this.#move("try", `${row.id}/1/${one.id}/1`, null, fails ? "failed" : "succeeded", { attempt: 1 });
    return !fails;
  }

  #endStage(executionId: string, stageId: string, to: StageState, from = "pending"): void {
    const rows = this.evidence.assignments.filter((row) => row.executionId === executionId && row.stageId === stageId);
    if (to === "skipped")
      for (const row of rows) {
        row.state = "skipped";
        this.#move("assignment", row.id, "queued", "skipped");
      }
    const row = this.evidence.stages.find((one) => one.executionId === executionId && one.stageId === stageId)!;
    Object.assign(row, { state: to, counts: countOf(rows) });
    this.#move("stage", `${executionId}/${stageId}`, from, to);
  }
}

function countOf(rows: { state: string }[]): Record<string, number> {
  return Object.fromEntries([...Map.groupBy(rows, ({ state }) => state)].map(([state, own]) => [state, own.length]));
}
