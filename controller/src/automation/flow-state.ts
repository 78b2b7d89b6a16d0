// What comes next in an execution with stages, batches or conditions, from its rows alone: which stage begins, is skipped
// or is over, which batch is released, when the failure budget is spent. Pure; called by advance-flow.ts with the
// execution's row locked, again and again until there is nothing left to do.
import {
  ExpressionError,
  type ExpressionNames,
  type ExpressionScope,
  evaluateCondition,
  type InputValue,
  type StageOutcome,
} from "@opsconductor/contract/job/expression";
import { checkInputs } from "@opsconductor/contract/job/inputs";
import type { Job } from "@opsconductor/contract/job/job-schema";
import { interpolate } from "@opsconductor/contract/job/template";
import {
  countBad,
  type ExecutionState,
  foldAssignments,
  foldStages,
  isTerminal,
  type StageState,
  stageStates,
} from "@opsconductor/contract/states";
import { type ExecutionProgress, outcomeOf, type StageProgress } from "./execution-state.ts";

export interface StageCall {
  /** Templates; texts, numbers, lists as the workflow gives them. */
  inputs: Record<string, unknown>;
  specs: Job["inputs"];
}

export interface FlowStage extends StageProgress {
  parent: string | null;
  scope: string;
  isGroup: boolean;
  /** Rows of this execution, with their scope. */
  needs: string[];
  condition: string | null;
  names: ExpressionNames | null;
  call: StageCall | null;
  inputs: Record<string, unknown> | null;
  matrix: Record<string, string> | null;
  needsOutputs: Record<string, unknown> | null;
  outcome: StageOutcome | null;
  stateReason: string | null;
  rollout: { pauseMs: number; stepFirst: boolean; lastStep: number } | null;
  batches: number;
  batch: number;
  nextBatchAt: Date | null;
  barrier: number | null;
  deadlineMs: number | null;
  deadlineAt: Date | null;
}

/** Of the assignments that a stage has released; counted when it matters. */
export interface BatchCount {
  /** Not over. */
  open: number;
  /** Not over, and have not finished the step of the barrier. */
  behind: number;
  /** Not over, and still held at a barrier before that one, because somebody else had the row. */
  heldBack: number;
  /** Of a batch that was released, and passed over because somebody else held the row. */
  missed: number;
}

export interface Flow {
  execution: ExecutionProgress & {
    number: number;
    jobName: string;
    inputs: Record<string, unknown>;
    deadlineAt: Date | null;
  };
  stages: FlowStage[];
  /** By stage id. */
  counted: Map<string, BatchCount>;
  /** Stages whose queued rows were just ended as far as nobody held them. */
  emptied: Set<string>;
}

export type FlowAct =
  | { kind: "count"; stage: FlowStage }
  | { kind: "collect"; stage: FlowStage }
  /** Its batch may be offered from now on. */
  | { kind: "release"; stage: FlowStage; change: Partial<FlowStage> }
  | { kind: "change"; stage: FlowStage; change: Partial<FlowStage> }
  /** What is still queued ends as skipped; `cancelHeld`: what agents have is asked to stop. */
  | { kind: "empty"; stage: FlowStage; reason: string; change: Partial<FlowStage>; cancelHeld: boolean }
  /** The time of the whole execution is over. */
  | { kind: "timeOut"; reason: string }
  | { kind: "barrier"; stage: FlowStage; barrier: number }
  | { kind: "finish"; state: ExecutionState };

const isOver = (stage: FlowStage) => isTerminal(stageStates, stage.state);

/** Undefined: nothing until something happens, or until `nextDue`. */
export function nextAct(flow: Flow, now: Date): FlowAct | undefined {
  const { state, cancelRequestedAt, timedOutAt, deadlineAt } = flow.execution;
  const isFree = cancelRequestedAt === null && timedOutAt === null;
  if (isFree && isPast(deadlineAt, now) && flow.stages.some((stage) => !isOver(stage)))
    return { kind: "timeOut", reason: `its deadline, ${deadlineAt!.toISOString()}, was over` };
  const goesOn = ["queued", "running"].includes(state) && isFree;
  for (const stage of flow.stages) {
    const act = settle(flow, stage, now) ?? (goesOn ? proceed(flow, stage, now) : undefined);
    if (act) return act;
  }
  return finish(flow);
}

/** The next moment at which something is to be done although nothing happens. */
export function nextDue(flow: Flow, now: Date): Date | null {
  const isPaused = flow.execution.state === "paused";
  const open = flow.stages.filter((stage) => !isOver(stage));
  const { cancelRequestedAt, timedOutAt, deadlineAt } = flow.execution;
  const deadlines = [{ deadlineAt, timedOutAt }, ...open].flatMap((one) =>
    cancelRequestedAt === null && one.deadlineAt && !one.timedOutAt ? [one.deadlineAt.getTime()] : [],
  );
  const times = open
    .filter((stage) => !isPaused || stage.timedOutAt || timedOutAt)
    .flatMap((stage): number[] => {
      const polled =
        stage.rollout?.stepFirst && stage.state === "running" && (stage.barrier ?? 0) < stage.rollout.lastStep;
      const again = flow.emptied.has(stage.stageId) || (flow.counted.get(stage.stageId)?.missed ?? 0) > 0;
      return [
        ...(stage.nextBatchAt ? [stage.nextBatchAt.getTime()] : []),
        ...(polled || again ? [now.getTime() + againMs] : []),
      ];
    });
  const all = [...times, ...deadlines];
  return all.length === 0 ? null : new Date(Math.min(...all));
}

/** Steps' ends wake the barrier at once; this stands behind it. */
const againMs = 2000;

/** What follows from what is over already, also in a pause and after a cancel. */
function settle(flow: Flow, stage: FlowStage, now: Date): FlowAct | undefined {
  if (isOver(stage)) {
    if (stage.outcome) return undefined;
    if (!stage.isGroup) return { kind: "collect", stage };
    return { kind: "change", stage, change: { outcome: outcomeOfParts(stage.state, partsOf(flow, stage)) } };
  }
  const parent = parentOf(flow, stage);
  if (parent && isOver(parent)) return skip(flow, stage, parent.stateReason ?? `${parent.stageId} did not run`, now);
  if (stage.isGroup) return settleGroup(flow, stage, now) ?? timeOutGroup(flow, stage, now);
  return settleLeaf(stage, now) ?? timeOutLeaf(flow, stage, now) ?? stopSpent(flow, stage);
}

const isPast = (moment: Date | null, now: Date) => moment !== null && moment <= now;

/** Why the stage may not go on any longer: its own deadline is over, or that of what it is a part of. */
function latenessOf(flow: Flow, stage: FlowStage, now: Date): string | undefined {
  if (flow.execution.timedOutAt !== null) return "the deadline of the execution was over";
  if (flow.execution.cancelRequestedAt !== null) return undefined;
  for (let one: FlowStage | undefined = stage; one; one = parentOf(flow, one))
    if (one.timedOutAt !== null || isPast(one.deadlineAt, now)) return `the deadline of stage ${one.stageId} was over`;
  return undefined;
}

const parentOf = (flow: Flow, stage: FlowStage) => flow.stages.find(({ stageId }) => stageId === stage.parent);

/** Its parts are ended one by one; it says what it was. */
function timeOutGroup(flow: Flow, stage: FlowStage, now: Date): FlowAct | undefined {
  if (stage.state !== "running" || stage.timedOutAt !== null) return undefined;
  const reason = latenessOf(flow, stage, now);
  return reason === undefined ? undefined : { kind: "change", stage, change: { timedOutAt: now, stateReason: reason } };
}

/** Again until all of it is over: a row that somebody held in this moment must be asked, too. */
function timeOutLeaf(flow: Flow, stage: FlowStage, now: Date): FlowAct | undefined {
  const reason = latenessOf(flow, stage, now);
  if (reason === undefined || flow.emptied.has(stage.stageId)) return undefined;
  if (stage.batch < 0) return skip(flow, stage, reason, now);
  const change = { timedOutAt: stage.timedOutAt ?? now, stateReason: reason, nextBatchAt: null };
  return { kind: "empty", stage, reason, change, cancelHeld: true };
}

function settleGroup(flow: Flow, stage: FlowStage, now: Date): FlowAct | undefined {
  const parts = partsOf(flow, stage);
  const folded = foldStages(parts.map((part) => part.state));
  // What it gives out is what its parts gave: they come first.
  if (folded === undefined || parts.some((part) => !part.outcome)) return undefined;
  const state = stage.timedOutAt !== null && folded !== "succeeded" ? "timed_out" : (folded as StageState);
  return { kind: "change", stage, change: { state, finishedAt: now } };
}

function settleLeaf(stage: FlowStage, now: Date): FlowAct | undefined {
  const state = foldAssignments(stage.counts, stage);
  const begun = stage.batch >= 0;
  if (state === undefined || (!begun && state === "skipped")) return undefined;
  return { kind: "change", stage, change: { state, finishedAt: now } };
}

/** More failed than may: nothing more of it begins. */
function stopSpent(flow: Flow, stage: FlowStage): FlowAct | undefined {
  if (stage.batch < 0 || !isSpent(stage) || flow.emptied.has(stage.stageId)) return undefined;
  const waiting = (stage.counts.queued ?? 0) > 0 || (stage.rollout?.stepFirst && openOf(stage) > 0);
  if (!waiting) return undefined;
  const failed = countBad(stage.counts);
  const spent = `${failed} ${failed === 1 ? "target" : "targets"} failed, and the job allows ${stage.maxFailures} (rollout.maxFailures)`;
  const stateReason = (stage.stopped ? stage.stateReason : null) ?? `stopped: ${spent}`;
  const change = { stopped: true, stateReason, nextBatchAt: null };
  const reason = `not started: ${spent}`;
  return { kind: "empty", stage, reason, change, cancelHeld: stage.rollout?.stepFirst === true };
}

/** More failures than the budget; a stage without a rollout has none to spend and goes on. */
const isSpent = (stage: FlowStage) => stage.rollout !== null && countBad(stage.counts) > stage.maxFailures;

function openOf({ counts }: FlowStage): number {
  return (counts.queued ?? 0) + (counts.offered ?? 0) + (counts.accepted ?? 0) + (counts.running ?? 0);
}

function proceed(flow: Flow, stage: FlowStage, now: Date): FlowAct | undefined {
  if (stage.state === "pending" && stage.batch < 0) return tryToBegin(flow, stage, now);
  if (stage.isGroup || isOver(stage) || stage.stopped || stage.timedOutAt) return undefined;
  return nextBatch(flow, stage, now);
}

function nextBatch(flow: Flow, stage: FlowStage, now: Date): FlowAct | undefined {
  const { rollout, counts } = stage;
  if (!rollout && (counts.queued ?? 0) === 0) return undefined;
  const counted = flow.counted.get(stage.stageId);
  const busy = (counts.offered ?? 0) + (counts.accepted ?? 0) + (counts.running ?? 0) > 0;
  if (busy && !rollout?.stepFirst) return undefined;
  if (!counted) return { kind: "count", stage };
  if (counted.missed > 0) return flow.emptied.has(stage.stageId) ? undefined : { kind: "release", stage, change: {} };
  if (counted.heldBack > 0)
    return flow.emptied.has(stage.stageId) ? undefined : { kind: "barrier", stage, barrier: stage.barrier! };
  if (counted.open > 0) {
    const atBarrier = rollout?.stepFirst && counted.behind === 0 && stage.barrier! < rollout.lastStep;
    return atBarrier ? { kind: "barrier", stage, barrier: stage.barrier! + 1 } : undefined;
  }
  if (stage.batch >= stage.batches - 1) return undefined;
  if (rollout && rollout.pauseMs > 0 && stage.nextBatchAt === null) {
    const nextBatchAt = new Date(now.getTime() + rollout.pauseMs);
    return { kind: "change", stage, change: { nextBatchAt } };
  }
  if (stage.nextBatchAt !== null && stage.nextBatchAt > now) return undefined;
  return { kind: "release", stage, change: { batch: stage.batch + 1, nextBatchAt: null, ...firstBarrier(stage) } };
}

const firstBarrier = ({ rollout }: FlowStage) => (rollout?.stepFirst ? { barrier: 0 } : {});

/** When everything it needs is over: whether it runs, and with what. */
function tryToBegin(flow: Flow, stage: FlowStage, now: Date): FlowAct | undefined {
  const parent = parentOf(flow, stage);
  if (parent && parent.state !== "running") return undefined;
  const needed = flow.stages.filter(({ stageId }) => stage.needs.includes(stageId));
  if (needed.some((need) => !isOver(need) || !need.outcome)) return undefined;
  try {
    const scope = scopeOf(flow, stage);
    if (!holds(stage, scope)) return skip(flow, stage, whyNot(stage, scope), now);
    return begin(flow, stage, scope, now);
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    return skip(flow, stage, error.message, now, "failed");
  }
}

function begin(flow: Flow, stage: FlowStage, scope: ExpressionScope, now: Date): FlowAct {
  const inputs = stage.inputs ?? (stage.call ? givenInputs(stage, stage.call, scope) : inheritedInputs(flow, stage));
  const deadlineAt = stage.deadlineMs === null ? null : new Date(now.getTime() + stage.deadlineMs);
  const first = { batch: 0, deadlineAt, ...firstBarrier(stage) };
  const change: Partial<FlowStage> = { state: "running", startedAt: now, inputs, ...first };
  if (stage.isGroup) return { kind: "change", stage, change };
  const { stages = {}, matrix } = scope;
  const isRead = !stage.call && (Object.keys(stages).length > 0 || matrix);
  if (isRead) change.needsOutputs = { stages, ...(matrix ? { matrix } : {}) };
  return { kind: "release", stage, change };
}

function holds(stage: FlowStage, scope: ExpressionScope): boolean {
  return evaluateCondition(stage.condition ?? "success()", stage.names ?? { inputs: {}, steps: {} }, scope);
}

function whyNot({ condition }: FlowStage, { outcome }: ExpressionScope): string {
  const plain = condition === null || condition === "success()";
  return plain && outcome !== "success" ? "a stage before it did not succeed" : "its condition is false";
}

function skip(
  flow: Flow,
  stage: FlowStage,
  reason: string,
  now: Date,
  state: StageState = "skipped",
): FlowAct | undefined {
  if (flow.emptied.has(stage.stageId)) return undefined;
  const change = { state, stateReason: reason, finishedAt: now };
  if (stage.isGroup || openOf(stage) === 0) return { kind: "change", stage, change };
  return { kind: "empty", stage, reason, change, cancelHeld: false };
}

/** What a stage's expressions see: its own siblings, by the names that its definition gives them. */
function scopeOf(flow: Flow, stage: FlowStage): ExpressionScope {
  const names = stage.names?.stages ?? [];
  const before = names.flatMap((id) => {
    const found = flow.stages.find(({ stageId }) => stageId === stage.scope + id);
    return found?.outcome ? [[id, found.outcome] as const] : [];
  });
  const states = before.map(([, { state }]) => state);
  const { id, number, jobName } = flow.execution;
  return {
    inputs: inheritedInputs(flow, stage) as Record<string, InputValue>,
    steps: {},
    stages: Object.fromEntries(before),
    ...(stage.matrix ? { matrix: stage.matrix } : {}),
    target: { id: "", name: "" },
    execution: { id, number, job: jobName },
    outcome: outcomeBefore(states),
  };
}

function outcomeBefore(states: readonly StageState[]): ExpressionScope["outcome"] {
  if (states.includes("cancelled")) return "cancelled";
  return states.some((state) => state === "failed" || state === "timed_out") ? "failure" : "success";
}

/** Inputs of the job that the stage belongs to. */
function inheritedInputs(flow: Flow, stage: FlowStage): Record<string, unknown> {
  for (let parent = stage.parent; parent !== null; ) {
    const group = flow.stages.find(({ stageId }) => stageId === parent)!;
    if (group.call) return group.inputs ?? {};
    parent = group.parent;
  }
  return flow.execution.inputs;
}

/** Throws ExpressionError when the other job would refuse them. */
export function givenInputs(
  stage: Pick<FlowStage, "stageId" | "names">,
  { inputs, specs }: StageCall,
  scope: ExpressionScope,
): Record<string, InputValue> {
  const names = stage.names ?? { inputs: {}, steps: {} };
  const value = (name: string, given: unknown): unknown => {
    if (Array.isArray(given)) return given.map((item) => interpolate(String(item), names, scope));
    return typeof given === "string" ? typed(specs[name], interpolate(given, names, scope)) : given;
  };
  const given = Object.fromEntries(Object.entries(inputs).map(([name, template]) => [name, value(name, template)]));
  const { values, errors } = checkInputs(specs, given);
  if (errors.length > 0) throw new ExpressionError(`stage ${stage.stageId}: ${errors[0]!.message}`);
  return values;
}

/** What an expression gives is text; an input that is none gets what the text says. */
function typed(spec: Job["inputs"][string] | undefined, text: string): unknown {
  if (spec?.type === "integer" || spec?.type === "number") return /^-?\d/.test(text.trim()) ? Number(text) : text;
  if (spec?.type === "boolean") return text === "true" ? true : text === "false" ? false : text;
  if (spec?.type === "list") return text === "" ? [] : text.split("\n");
  return text;
}

const partsOf = (flow: Flow, group: FlowStage) => flow.stages.filter(({ parent }) => parent === group.stageId);

/** What parts say differently is nobody's word: neither for the whole group nor for one of its targets. */
function outcomeOfParts(state: StageState, parts: readonly FlowStage[]): StageOutcome {
  const given = parts.flatMap((part) => Object.entries(part.outcome?.targets ?? {}));
  const byTarget = Map.groupBy(given, ([name]) => name);
  const targets = [...byTarget].map(([name, all]) => [name, agreed(all.map(([, outputs]) => outputs))] as const);
  return {
    ...{ state, targets: Object.fromEntries(targets) },
    outputs: agreed(parts.map((part) => part.outcome?.outputs ?? {})),
  };
}

/** Names of which all that have them say the same. */
export function agreed(all: readonly Record<string, string>[]): Record<string, string> {
  const values = new Map<string, Set<string>>();
  for (const one of all)
    for (const [name, value] of Object.entries(one)) values.set(name, (values.get(name) ?? new Set()).add(value));
  return Object.fromEntries([...values].filter(([, set]) => set.size === 1).map(([name, set]) => [name, [...set][0]!]));
}

function finish(flow: Flow): FlowAct | undefined {
  if (flow.execution.finishedAt !== null) return undefined;
  const state = outcomeOf(
    flow.execution,
    flow.stages.filter(({ parent }) => parent === null),
  );
  return state === undefined ? undefined : { kind: "finish", state };
}
