// Brings one execution with stages, batches or conditions as far as it can go now, in one transaction on its rows: that
// is all the memory there is, so any controller can do it and any may die in the middle. Called by flow-driver.ts.
import type { StageOutcome } from "@opsconductor/contract/job/expression";
import { executionStates, isTerminal, stageStates } from "@opsconductor/contract/states";
import type { Query } from "../context.ts";
import { selectWaiting } from "./concurrency-queries.ts";
import type { DesiredAttempt } from "./dispatch-queries.ts";
import type { ExecutionRow } from "./execution-queries.ts";
import { addTransitions } from "./execution-state.ts";
import {
  cancelHeld,
  collectOutputs,
  countBatch,
  type EmptiedRow,
  endQueued,
  keptOutputs,
  lockFlow,
  raiseBarrier,
  releaseBatch,
  selectFlowStages,
  updateFlow,
  updateFlowStages,
} from "./flow-queries.ts";
import { agreed, type Flow, type FlowAct, type FlowStage, nextAct, nextDue } from "./flow-state.ts";
import { passApproval, passConcurrency, type TurnAnswer } from "./pass-gates.ts";
import type { ChangedAssignment } from "./publish-changes.ts";
import { insertNotes, type TimelineNote } from "./timeline-queries.ts";

/** What to do after the commit. */
export interface Advanced {
  row: ExecutionRow;
  /** Agents that have new work. */
  wake: Set<string>;
  desires: DesiredAttempt[];
  changed: ChangedAssignment[];
  finished: boolean;
  /** Executions that may have waited for this one, or end because of it. */
  others: string[];
  /** Executions that this one wants out of its way. */
  cancel: string[];
}

interface Advancing extends Advanced {
  tx: Query;
  now: Date;
  flow: Flow;
  dirty: Set<FlowStage>;
  notes: TimelineNote[];
  /** Stages whose end this transaction has decided and noted. */
  ended: Set<string>;
  stateReason: string | null;
}

/** Undefined: there was nothing to decide. */
export async function advanceFlow(tx: Query, id: string, now: Date): Promise<Advanced | undefined> {
  const row = await lockFlow(tx, id);
  if (!row) return undefined;
  const flow: Flow = {
    execution: { ...row, number: Number(row.number) },
    stages: [],
    counted: new Map(),
    emptied: new Set(),
  };
  const a: Advancing = {
    ...{ tx, now, row, flow, dirty: new Set(), notes: [], ended: new Set(), wake: new Set(), desires: [], changed: [] },
    ...{ finished: false, others: [], cancel: [], stateReason: row.stateReason },
  };
  flow.stages = await selectFlowStages(tx, id);
  // The last end of an assignment may have finished it: then there is only left to note what its stages gave out.
  const isHeld = row.cancelRequestedAt !== null || row.timedOutAt !== null || row.state === "paused";
  const goesOn = !isHeld && !isTerminal(executionStates, row.state);
  const waitsUntil = goesOn ? await passGates(a) : undefined;
  if (goesOn && waitsUntil === undefined) startClock(a);
  if (waitsUntil === undefined) for (let act = nextAct(flow, now); act; act = nextAct(flow, now)) await perform(a, act);
  startRunning(flow);
  await updateFlowStages(tx, id, [...a.dirty]);
  await insertNotes(tx, a.notes);
  if (isTerminal(executionStates, flow.execution.state)) return await close(a);
  a.row = await save(a, waitsUntil ?? nextDue(flow, now));
  return a;
}

/** It is over: others may have waited for that. */
async function close(a: Advancing): Promise<Advanced> {
  a.row = await save(a, null);
  a.finished = true;
  const { concurrencyKey: key, concurrencyLimit: limit } = a.row;
  if (key !== null) a.others.push(...(await selectWaiting(a.tx, key, limit! + 1)));
  return a;
}

async function save({ tx, row, flow, stateReason }: Advancing, dueAt: Date | null): Promise<ExecutionRow> {
  const { state, counts, startedAt, finishedAt, deadlineAt, timedOutAt } = flow.execution;
  const now = { state, counts, startedAt, finishedAt, deadlineAt, timedOutAt };
  return await updateFlow(tx, { ...row, ...now, dueAt, stateReason });
}

/** It may begin: what it waited for before that does not count. */
function startClock({ row, flow, now }: Advancing): void {
  if (row.deadlineMs === null || row.deadlineAt !== null || flow.execution.finishedAt !== null) return;
  flow.execution.deadlineAt = new Date(now.getTime() + Number(row.deadlineMs));
}

/** A stage of it runs, so it does, although no agent may have begun yet. */
function startRunning({ execution, stages }: Flow): void {
  const running = stages.filter((stage) => stage.state === "running");
  if (execution.state !== "queued" || running.length === 0) return;
  const starts = running.flatMap(({ startedAt }) => startedAt?.getTime() ?? []);
  Object.assign(execution, { state: "running", startedAt: execution.startedAt ?? new Date(Math.min(...starts)) });
}

/** Written at once: what runs was queued before, also where its first stage begins in the same transaction. */
async function queue(a: Advancing): Promise<void> {
  a.flow.execution.state = "queued";
  a.row = await save(a, a.row.dueAt);
}

/** Until when it waits; undefined: it may go on, or it was ended. */
async function passGates(a: Advancing): Promise<Date | undefined> {
  for (const gate of [passApproval, passConcurrency]) {
    const answer: TurnAnswer = await gate(a.tx, { ...a.row, state: a.flow.execution.state }, a.now);
    if (answer.replaced) a.others.push(...answer.replaced);
    if (answer.kind === "end") {
      await endWaiting(a, answer);
      // Somebody holds a row of it: nothing may begin before that is over, too.
      return a.flow.execution.finishedAt ? undefined : new Date(a.now.getTime() + 1000);
    }
    if (answer.kind !== "passed") {
      a.stateReason = answer.reason;
      if (answer.kind === "cancelOthers") a.cancel = answer.ids;
      return answer.again;
    }
    if (a.flow.execution.state === "awaiting_approval") await queue(a);
  }
  a.stateReason = null;
  return undefined;
}

/** Nothing of it has begun, and nothing will. */
async function endWaiting(
  a: Advancing,
  { state, reason }: { state: "cancelled" | "skipped"; reason: string },
): Promise<void> {
  const { id } = a.flow.execution;
  for (const stage of a.flow.stages.filter((one) => !isTerminal(stageStates, one.state))) {
    const rows = stage.isGroup ? [] : await endQueued(a.tx, id, stage.stageId, { state, reason, now: a.now });
    countEnded(a, stage, rows, state, reason);
    if ((stage.counts.queued ?? 0) > 0) a.flow.emptied.add(stage.stageId);
    else Object.assign(stage, { state, stateReason: reason, finishedAt: a.now });
    a.dirty.add(stage);
  }
  a.stateReason = reason;
  const open = a.flow.stages.some((stage) => !isTerminal(stageStates, stage.state));
  if (!open) Object.assign(a.flow.execution, { state, finishedAt: a.now });
}

function countEnded(
  a: Advancing,
  stage: FlowStage,
  rows: readonly EmptiedRow[],
  to: "cancelled" | "skipped",
  reason: string,
): void {
  const { id } = a.flow.execution;
  const moves = rows.map(() => ({ executionId: id, stageId: stage.stageId, from: "queued", to, at: a.now }) as const);
  stage.counts = addTransitions(stage.counts, moves);
  a.flow.execution.counts = addTransitions(a.flow.execution.counts, moves);
  a.changed.push(...rows.map((row) => ({ ...row, executionId: id, state: to, stateReason: reason })));
}

async function perform(a: Advancing, act: FlowAct): Promise<void> {
  if (act.kind === "finish") {
    Object.assign(a.flow.execution, { state: act.state, finishedAt: a.now });
    return;
  }
  if (act.kind === "timeOut") {
    a.flow.execution.timedOutAt = a.now;
    a.stateReason = act.reason;
    note(a, "deadline.passed", { reason: act.reason });
    return;
  }
  const { stage } = act;
  const id = a.flow.execution.id;
  switch (act.kind) {
    case "count":
      a.flow.counted.set(stage.stageId, await countBatch(a.tx, id, stage));
      return;
    case "collect":
      // The end of its last assignment may have ended it, in a transaction of its own: nobody has noted that.
      if (!a.ended.has(stage.stageId)) noteStage(a, stage, stage.finishedAt ?? a.now);
      return change(a, stage, { outcome: await collect(a, stage) });
    case "change":
      return change(a, stage, act.change);
    case "release":
      return await release(a, stage, act.change);
    case "empty":
      return await empty(a, act);
    case "barrier":
      a.desires.push(...(await raiseBarrier(a.tx, id, stage.stageId, act.barrier)));
      if (stage.barrier === act.barrier) a.flow.emptied.add(stage.stageId); // once is enough for this time
      a.flow.counted.delete(stage.stageId);
      return change(a, stage, { barrier: act.barrier });
  }
}

function change(a: Advancing, stage: FlowStage, to: Partial<FlowStage>): void {
  const before = stage.state;
  Object.assign(stage, to);
  a.dirty.add(stage);
  if (stage.state === before) return;
  if (stage.state !== "running") a.ended.add(stage.stageId);
  noteStage(a, stage, a.now);
}

function noteStage(a: Advancing, { stageId, state, stateReason }: FlowStage, at: Date): void {
  const kind = state === "running" ? "stage.started" : state === "skipped" ? "stage.skipped" : "stage.finished";
  note(a, kind, { stage: stageId, state, ...(stateReason ? { reason: stateReason } : {}) }, at);
}

function note(a: Advancing, kind: TimelineNote["kind"], detail: Record<string, unknown>, at: Date = a.now): void {
  a.notes.push({ executionId: a.flow.execution.id, assignmentId: null, targetName: null, kind, at, detail });
}

async function release(a: Advancing, stage: FlowStage, to: Partial<FlowStage>): Promise<void> {
  const again = Object.keys(to).length === 0;
  change(a, stage, to);
  for (const agentId of await releaseBatch(a.tx, a.flow.execution.id, stage, a.now)) a.wake.add(agentId);
  if (again)
    a.flow.emptied.add(stage.stageId); // once is enough for this time
  else a.flow.counted.delete(stage.stageId);
  if (!again && stage.batches > 1)
    note(a, "batch.released", { stage: stage.stageId, batch: stage.batch + 1, batches: stage.batches });
}

async function empty(a: Advancing, act: FlowAct & { kind: "empty" }): Promise<void> {
  const { stage, reason } = act;
  const { id } = a.flow.execution;
  const rows = await endQueued(a.tx, id, stage.stageId, { state: "skipped", reason, now: a.now });
  countEnded(a, stage, rows, "skipped", reason);
  const timedOutAt = act.change.timedOutAt ?? null;
  const why = act.change.stateReason ?? reason;
  if (act.cancelHeld) a.desires.push(...(await cancelHeld(a.tx, id, stage.stageId, why, timedOutAt)));
  a.flow.emptied.add(stage.stageId);
  a.dirty.add(stage);
  // Somebody holds a row that is to be skipped: the stage is not over before that is.
  const { state, finishedAt, ...rest } = act.change;
  const over = state !== undefined && (stage.counts.queued ?? 0) === 0;
  if (act.change.stopped && !stage.stopped)
    note(a, "rollout.stopped", { stage: stage.stageId, reason: why, skipped: rows.length });
  if (timedOutAt && !stage.timedOutAt)
    note(a, "deadline.passed", { stage: stage.stageId, reason, skipped: rows.length });
  change(a, stage, over ? act.change : rest);
}

/** Larger than this, what each target gave out is not kept; what all agree in is. */
const maxOutcomeBytes = 256 * 1024;

async function collect({ tx, flow, row }: Advancing, stage: FlowStage): Promise<StageOutcome> {
  const isRead = flow.stages.length > 1 && stage.batch >= 0;
  const { id, retryOf } = row;
  const kept = isRead && retryOf !== null ? await keptOutputs(tx, { id, retryOf }, stage.stageId) : {};
  const targets = { ...kept, ...(isRead ? await collectOutputs(tx, id, stage.stageId) : {}) };
  const outputs = agreed(Object.values(targets));
  const fits = Buffer.byteLength(JSON.stringify(targets)) <= maxOutcomeBytes;
  return { state: stage.state, outputs, targets: fits ? targets : {} };
}
