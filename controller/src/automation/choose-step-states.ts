// The state of every step of an assignment, also of those without a row. Pure; called by the pages of an execution.
import { type AssignmentState, assignmentStates, isTerminal, type StepState } from "@opsconductor/contract/states";

/** What a step is that never began: it waits, or its assignment ended without it. */
export function unbegunStepState(assignment: AssignmentState): StepState {
  if (!isTerminal(assignmentStates, assignment)) return "pending";
  return assignment === "cancelled" ? "cancelled" : "skipped";
}

/** `begun`: the rows there are, by position. */
export function chooseStepStates(
  stepCount: number,
  begun: ReadonlyMap<number, StepState>,
  assignment: AssignmentState,
): StepState[] {
  const rest = unbegunStepState(assignment);
  return Array.from({ length: stepCount }, (_, position) => begun.get(position) ?? rest);
}
