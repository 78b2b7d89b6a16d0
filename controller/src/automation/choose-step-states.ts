// The state of every step of an assignment, also of those without a row. Pure; called by the pages of an execution.
import { type AssignmentState, assignmentStates, isTerminal, type StepState } from "@opsconductor/contract/states";

/** What a step is that never began: it waits, or its assignment ended without it. */
export function unbegunStepState(assignment: AssignmentState): StepState {
  if (!isTerminal(assignmentStates, assignment)) return "pending";
  return assignment === "cancelled" ? "cancelled" : "skipped";
}

/** A step that ran when its assignment was lost: its row stays open for what may still be told, the page says lost. */
export function shownStepState(state: StepState, assignment: AssignmentState): StepState {
  return state === "running" && assignment === "lost" ? "lost" : state;
}

/** `begun`: the rows there are, by position. */
export function chooseStepStates(
  stepCount: number,
  begun: ReadonlyMap<number, StepState>,
  assignment: AssignmentState,
): StepState[] {
  const rest = unbegunStepState(assignment);
  return Array.from({ length: stepCount }, (_, position) => {
    const state = begun.get(position);
    return state === undefined ? rest : shownStepState(state, assignment);
  });
}
