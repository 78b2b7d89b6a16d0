// How transitions of assignments move the counts and states of their stage and execution. Pure; called by
// advance-executions.ts with the execution's row locked.
import {
  type AssignmentState,
  assignmentStates,
  type ExecutionState,
  executionStates,
  foldAssignments,
  foldStages,
  isTerminal,
  type StageState,
  stageStates,
} from "@opsconductor/contract/states";

export type Counts = Partial<Record<AssignmentState, number>>;

export interface Transition {
  executionId: string;
  stageId: string;
  /** Undefined for an assignment that was just created. */
  from: AssignmentState | undefined;
  to: AssignmentState;
  at: Date;
}

export interface StageProgress {
  stageId: string;
  state: StageState;
  counts: Counts;
  startedAt: Date | null;
  finishedAt: Date | null;
  maxFailures: number;
  /** Its failure budget is spent. */
  stopped: boolean;
  /** When its deadline was over. */
  timedOutAt: Date | null;
}

export interface ExecutionProgress {
  id: string;
  state: ExecutionState;
  counts: Counts;
  startedAt: Date | null;
  finishedAt: Date | null;
  /** Something has to decide what comes next: see advance-flow.ts. */
  orchestrated: boolean;
  cancelRequestedAt: Date | null;
  /** When its deadline was over. */
  timedOutAt: Date | null;
}

export function addTransitions(counts: Counts, transitions: readonly Transition[]): Counts {
  const sums: Counts = { ...counts };
  for (const { from, to } of transitions) {
    if (from !== undefined) sums[from] = (sums[from] ?? 0) - 1;
    sums[to] = (sums[to] ?? 0) + 1;
  }
  return Object.fromEntries(Object.entries(sums).filter(([, n]) => n !== 0));
}

/** The execution and its stages after `transitions` of its own assignments. */
export function advanceExecution(
  execution: ExecutionProgress,
  stages: readonly StageProgress[],
  transitions: readonly Transition[],
): { execution: ExecutionProgress & { isDue: boolean }; stages: StageProgress[] } {
  const after = stages.map((stage) => {
    const own = transitions.filter((t) => t.stageId === stage.stageId);
    return own.length === 0 ? stage : advanceStage(stage, own);
  });
  const counts = addTransitions(execution.counts, transitions);
  const outcome = outcomeOf(execution, after);
  const started = execution.startedAt ?? startOf(transitions);
  // A person ends the pause, not what goes on in spite of it.
  const begun = started !== null && execution.state !== "paused" ? "running" : undefined;
  const state = nextState(executionStates, execution.state, outcome ?? begun);
  const finished = isTerminal(executionStates, state);
  return {
    execution: {
      ...execution,
      state,
      isDue: execution.orchestrated && transitions.some((t) => isTerminal(assignmentStates, t.to)),
      counts,
      startedAt: started,
      finishedAt: execution.finishedAt ?? (finished ? lastOf(transitions, started) : null),
    },
    stages: after,
  };
}

/** What was over its deadline or a person cancelled says so, unless all of it had succeeded already. */
export function outcomeOf(
  { cancelRequestedAt, timedOutAt }: Pick<ExecutionProgress, "cancelRequestedAt" | "timedOutAt">,
  stages: readonly { state: StageState }[],
): ExecutionState | undefined {
  const outcome = foldStages(stages.map((s) => s.state));
  if (outcome === undefined || outcome === "succeeded") return outcome;
  // Whoever cancels afterwards does not change what happened; after a cancel no deadline counts.
  if (timedOutAt !== null) return "timed_out";
  return cancelRequestedAt !== null ? "cancelled" : outcome;
}

function advanceStage(stage: StageProgress, transitions: readonly Transition[]): StageProgress {
  const counts = addTransitions(stage.counts, transitions);
  const outcome = foldAssignments(counts, stage);
  const started = stage.startedAt ?? startOf(transitions);
  const state = nextState(stageStates, stage.state, outcome ?? (started ? "running" : undefined));
  const finished = isTerminal(stageStates, state);
  return {
    ...stage,
    state,
    counts,
    startedAt: started,
    finishedAt: stage.finishedAt ?? (finished ? lastOf(transitions, started) : null),
  };
}

/** Terminal states stay: a late result never flips an outcome. */
function nextState<T extends Record<string, readonly string[]>>(
  table: T,
  from: keyof T & string,
  to: (keyof T & string) | undefined,
): keyof T & string {
  return to !== undefined && table[from]!.includes(to) ? to : from;
}

function startOf(transitions: readonly Transition[]): Date | null {
  const starts = transitions.filter((t) => t.to === "running").map((t) => t.at.getTime());
  return starts.length === 0 ? null : new Date(Math.min(...starts));
}

function lastOf(transitions: readonly Transition[], started: Date | null): Date {
  return new Date(transitions.reduce((latest, t) => Math.max(latest, t.at.getTime()), started?.getTime() ?? 0));
}
