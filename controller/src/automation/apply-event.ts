// What one event of an agent does to an attempt: the assignment, its steps and their tries, moved only along the state
// tables of the contract. Pure apart from changing the attempt it is given; called by take-events.ts with the
// rows locked.
import {
  assignmentStates,
  isTerminal,
  type StepState,
  stepStates,
  type TryState,
  tryStates,
} from "@opsconductor/contract/states";
import type { AgentEventBody } from "../fleet/agent-link.ts";
import { agentJson, agentText } from "./agent-text.ts";
import { type Attempt, isPossibleTry, newTry, type StepRow, type TryRow, tryKey } from "./attempt.ts";
import { allows, finishAssignment, moveAssignment } from "./finish-assignment.ts";

/** The agent ends its steps at the timeout and then runs `finally`; ours stands behind all of that. */
export const timeoutGraceMs = 60 * 60_000;

/**
 * Applies the next event. `at` is when it happened as far as the host's clock can be believed; `now` is ours.
 * The caller has checked fence and sequence.
 */
export function applyEvent(attempt: Attempt, body: AgentEventBody, at: Date): void {
  attempt.dirty = true;
  switch (body.kind) {
    case "accepted":
      if (moveAssignment(attempt, "accepted")) attempt.assignment.acceptedAt = at;
      break;
    case "denied":
      attempt.notes.push({
        ...{ kind: "assignment.denied", at },
        detail: { code: agentText(body.code), reason: agentText(body.reason) },
      });
      noteFinish(attempt, "denied", body.reason, at);
      finishAssignment(attempt, "denied", `${agentText(body.code)}: ${agentText(body.reason)}`, at);
      break;
    case "tombstone":
      noteFinish(attempt, "tombstone", body.code, at);
      bury(attempt, body.code, at);
      break;
    case "tryStarting":
      startTry(attempt, body.stepId, body.try, body.spawn, at);
      break;
    case "tryStarted":
      markTryStarted(attempt, body, at);
      break;
    case "tryAdopted":
      noteAdoption(attempt, body, at);
      break;
    case "tryFinished":
      finishTry(attempt, body, at);
      break;
    case "stepFinished":
      finishStep(attempt, body, at);
      break;
    case "finished":
      noteFinish(attempt, body.state, body.reason, at);
      break;
    case "held":
      attempt.assignment.stateReason = `held before step ${agentText(body.nextStepId)}`;
      break;
  }
}

/** The final event; settleAttempt acts on it when all output is here. */
function noteFinish(attempt: Attempt, state: string, reason: string, at: Date): void {
  const { assignment, notes } = attempt;
  // Declared lost before it told its end: evidence.
  if (assignment.finish === null && isTerminal(assignmentStates, assignment.state)) {
    const detail = { state: agentText(state), reason: agentText(reason), recorded: assignment.state };
    notes.push({ kind: "assignment.late_result", at, detail });
  }
  assignment.finish ??= { state: agentText(state), reason: agentText(reason), atMs: at.getTime() };
}

/** "Never accepted, never will be": what becomes of the assignment depends on why. */
function bury(attempt: Attempt, code: string, at: Date): void {
  const { assignment } = attempt;
  if (code === "pruned")
    finishAssignment(attempt, "lost", "the agent's journal no longer reaches back to this attempt", at);
  else if (code === "expired") finishAssignment(attempt, "expired", "the offer reached the agent after its time", at);
  else if (code === "cancelled" || assignment.desired === "cancel")
    finishAssignment(attempt, "cancelled", "cancelled before the agent accepted it", at);
  else if (moveAssignment(attempt, "queued")) {
    assignment.offeredAt = null;
    attempt.notes.push({
      kind: "assignment.queued_again",
      at,
      detail: { attempt: assignment.attempt, code: agentText(code) },
    });
  }
}

function stepOf(attempt: Attempt, stepId: string): StepRow | undefined {
  const found = attempt.steps.get(stepId);
  if (found) return found;
  const position = attempt.stage.stepIds.indexOf(stepId);
  if (position < 0) {
    attempt.violations.push(`unknown step ${agentText(stepId)}`);
    return undefined;
  }
  const step: StepRow = {
    stepId,
    attempt: attempt.assignment.attempt,
    position,
    state: "pending",
    reason: "",
    tries: 0,
    outputs: null,
    changed: null,
    startedAt: null,
    finishedAt: null,
  };
  attempt.steps.set(stepId, step);
  return step;
}

function tryOf(attempt: Attempt, stepId: string, number: number, at: Date): TryRow | undefined {
  if (!isPossibleTry(number)) {
    attempt.violations.push(`try ${number} of step ${agentText(stepId)}`);
    return undefined;
  }
  const step = stepOf(attempt, stepId);
  if (!step) return undefined;
  const key = tryKey(stepId, number);
  const found = attempt.tries.get(key);
  const row = found ?? newTry(attempt.assignment.attempt, stepId, number);
  if (!found) attempt.tries.set(key, row);
  attempt.dirtyTries.add(row);
  if (step.state === "pending") {
    step.state = "running";
    step.startedAt = at;
    attempt.dirtySteps.add(step);
  }
  if (number > step.tries) {
    step.tries = number;
    attempt.dirtySteps.add(step);
  }
  return row;
}

function startTry(attempt: Attempt, stepId: string, number: number, spawn: number, at: Date): void {
  const row = tryOf(attempt, stepId, number, at);
  if (row?.state !== "starting") return;
  row.spawn = Math.max(row.spawn, spawn);
}

function markTryStarted(attempt: Attempt, body: Extract<AgentEventBody, { kind: "tryStarted" }>, at: Date): void {
  const row = tryOf(attempt, body.stepId, body.try, at);
  if (!row) return;
  markRunning(attempt, at);
  if (!moveTry(attempt, row, "started")) return;
  row.spawn = body.spawn;
  row.pid = body.pid;
  row.bootId = agentText(body.bootId);
  row.startedAt = at;
}

function markRunning(attempt: Attempt, at: Date): void {
  const { assignment } = attempt;
  if (assignment.state !== "accepted") return;
  moveAssignment(attempt, "running");
  assignment.startedAt = at;
  if (attempt.stage.timeoutMs !== null)
    assignment.timeoutAt = new Date(at.getTime() + attempt.stage.timeoutMs + timeoutGraceMs);
}

function moveTry(attempt: Attempt, row: TryRow, to: TryState): boolean {
  if (row.state === to) return false;
  if (!allows(tryStates, row.state, to)) {
    attempt.violations.push(`try ${row.try} of step ${row.stepId}: ${row.state} → ${to}`);
    return false;
  }
  row.state = to;
  return true;
}

function finishTry(attempt: Attempt, body: Extract<AgentEventBody, { kind: "tryFinished" }>, at: Date): void {
  const row = tryOf(attempt, body.stepId, body.try, at);
  if (!row) return;
  if (!isTryState(body.state)) {
    attempt.violations.push(
      `try ${body.try} of step ${agentText(body.stepId)}: unknown state ${agentText(body.state)}`,
    );
    return;
  }
  // An exit record found after a restart tells the end without the start between.
  if (row.state === "starting" && !allows(tryStates, "starting", body.state)) {
    markRunning(attempt, at);
    moveTry(attempt, row, "started");
  }
  if (!moveTry(attempt, row, body.state)) return;
  row.reason = agentText(body.reason);
  row.exitCode = body.exitCode ?? null;
  row.signal = agentText(body.signal) || null;
  row.finishedAt = at;
  row.durationMs = BigInt(Math.min(Math.max(0, Math.round(body.durationMs)), Number.MAX_SAFE_INTEGER));
  row.outputBytes = body.outputBytes;
  row.outputSha256 = body.outputSha256;
  row.rawBytes = body.rawBytes;
  row.gaps = body.gaps.slice(0, 100).map((g) => ({ offset: Number(g.offset), omittedBytes: Number(g.omittedBytes) }));
  row.startedAt ??= plausibleTime(at.getTime() - Number(row.durationMs), attempt.assignment.offeredAt, at);
  noteTry(attempt, row, at);
}

function noteTry({ notes }: Attempt, row: TryRow, at: Date): void {
  const detail = { stepId: row.stepId, try: row.try };
  if (row.state === "lost") notes.push({ kind: "step.lost", at, detail: { ...detail, reason: row.reason } });
  if (row.gaps.length === 0) return;
  const omittedBytes = row.gaps.reduce((sum, gap) => sum + gap.omittedBytes, 0);
  notes.push({ kind: "output.gap", at, detail: { ...detail, omittedBytes, gaps: row.gaps.length } });
}

/** The agent was restarted and goes on with a step that did not notice: the same process. */
function noteAdoption(attempt: Attempt, body: Extract<AgentEventBody, { kind: "tryAdopted" }>, at: Date): void {
  if (!tryOf(attempt, body.stepId, body.try, at)) return;
  const detail = { stepId: agentText(body.stepId), try: body.try, pid: body.pid };
  attempt.notes.push({ kind: "step.adopted", at, detail });
}

function finishStep(attempt: Attempt, body: Extract<AgentEventBody, { kind: "stepFinished" }>, at: Date): void {
  const step = stepOf(attempt, body.stepId);
  if (!step) return;
  if (step.state === "pending" && isStepState(body.state) && !allows(stepStates, "pending", body.state))
    step.state = "running";
  if (!isStepState(body.state) || !allows(stepStates, step.state, body.state)) {
    if (step.state !== body.state)
      attempt.violations.push(`step ${agentText(body.stepId)}: ${step.state} → ${agentText(body.state)}`);
    return;
  }
  step.state = body.state;
  step.reason = agentText(body.reason);
  step.changed = body.changed;
  step.finishedAt = at;
  step.startedAt ??= body.state === "skipped" ? null : at;
  const outputs = agentJson(body.outputsJson);
  if (outputs === undefined)
    attempt.violations.push(`step ${agentText(body.stepId)}: outputs are not an object of strings`);
  step.outputs = outputs ?? null;
  attempt.dirtySteps.add(step);
}

const isStepState = (state: string): state is StepState => Object.hasOwn(stepStates, state);
const isTryState = (state: string): state is TryState => Object.hasOwn(tryStates, state);

/** The host's clock within what is possible: not before `earliest`, not after `now`. */
export function plausibleTime(atMs: number, earliest: Date | null, now: Date): Date {
  const floor = earliest?.getTime() ?? 0;
  return new Date(Math.min(Math.max(atMs, floor), now.getTime()));
}
