// The one way an assignment ends: along the state table, with its reason, when everything it names is stored. Pure; called
// for an agent's final event and for the last byte of output, whichever comes last.
import { type AssignmentState, assignmentStates, isTerminal } from "@opsconductor/contract/states";
import { type Attempt, hasAllOutput } from "./attempt.ts";

/** Makes the assignment terminal when its final event and all output that it names are here. True when it did. */
export function settleAttempt(attempt: Attempt): boolean {
  const { assignment } = attempt;
  const open = assignment.state !== "queued" && !isTerminal(assignmentStates, assignment.state);
  if (!open || !assignment.finish || !hasAllOutput(attempt)) return false;
  const { state, reason, atMs } = assignment.finish;
  const cancelledByTimeout = state === "cancelled" && assignment.timedOutAt !== null;
  const outcome = cancelledByTimeout ? "timed_out" : state;
  const broken = [...attempt.tries.values()].find((t) => t.outputVerified === false);
  const why = broken
    ? `output of step ${broken.stepId} is not what the agent sent (sha256 differs)${reason ? `; ${reason}` : ""}`
    : reason;
  attempt.dirty = true;
  finishAssignment(attempt, isOutcome(outcome) ? outcome : "failed", why, new Date(atMs));
  return true;
}

const outcomes: readonly string[] = ["succeeded", "failed", "timed_out", "cancelled", "lost", "denied"];
const isOutcome = (state: string): state is AssignmentState => outcomes.includes(state);

export function moveAssignment(attempt: Attempt, to: AssignmentState): boolean {
  const { assignment } = attempt;
  if (assignment.state === to) return false;
  if (!allows(assignmentStates, assignment.state, to)) {
    // What arrives after `lost` or after an expiry is evidence: steps and tries keep it, the outcome stands.
    if (!isTerminal(assignmentStates, assignment.state)) attempt.violations.push(`${assignment.state} → ${to}`);
    return false;
  }
  assignment.state = to;
  return true;
}

export function finishAssignment(attempt: Attempt, to: AssignmentState, reason: string, at: Date): void {
  // A host that was away may tell the acceptance and the end at once; every state between is implied.
  if (attempt.assignment.state === "offered" && !allows(assignmentStates, "offered", to))
    moveAssignment(attempt, "accepted");
  if (!moveAssignment(attempt, to)) return;
  attempt.assignment.stateReason = reason || null;
  attempt.assignment.finishedAt = at;
}

/** The table has a way from `from` to `to`. */
export function allows<T extends Record<string, readonly string[]>>(table: T, from: keyof T, to: string): boolean {
  return table[from]!.includes(to);
}
