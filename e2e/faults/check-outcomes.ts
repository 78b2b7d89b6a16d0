// Invariant 1 over outcomes: what the database says a try, a step and an assignment came to is what the step's own
// ledger says, or what a fault of the test excuses. Pure; called by check-invariants.ts.
import type { AssignmentEvidence, Evidence, KilledSpawn, StepEvidence, TryEvidence, Violation } from "./evidence.ts";
import type { EvidenceIndex, PlannedStep } from "./index-evidence.ts";
import { type LedgerEnd, tryKey } from "./ledger.ts";
import { expectedExitCode, type JobPlan, type StepPlan } from "./workload.ts";

export function checkOutcomes(evidence: Evidence, index: EvidenceIndex): Violation[] {
  const killed = Map.groupBy(
    evidence.killedSpawns,
    ({ fence, position, try: number }) => `${fence}/${position}/${number}`,
  );
  return [
    ...evidence.tries.flatMap((row) => say(`try ${tryKey(row)}`, judgeTry(row, index, killed))),
    ...evidence.steps.flatMap((row) => say(`step ${row.assignment}/${row.step}`, judgeStep(row, index))),
    ...evidence.assignments.flatMap((row) => say(`assignment ${row.id}`, judgeAssignment(row, index))),
  ];
}

const say = (subject: string, wrongs: string[]): Violation[] => wrongs.map((what) => ({ invariant: 1, subject, what }));

function judgeTry(row: TryEvidence, index: EvidenceIndex, killed: Map<string, KilledSpawn[]>): string[] {
  const planned = index.planOf(row.assignment, row.step);
  if (planned === undefined) return ["is recorded, and nobody planned it"];
  const { job, step } = planned;
  const cancelledAt = index.cancelledAt(row.assignment);
  const started = index.starts.has(tryKey(row));
  const end = index.ends.get(tryKey(row))?.[0];
  const position = job.steps.indexOf(step);
  const kills = killed.get(`${index.assignments.get(row.assignment)!.fence}/${position}/${row.try}`) ?? [];
  switch (row.state) {
    case "succeeded":
    case "failed":
      return judgeEnded(row, { planned, end, started, kills });
    case "timed_out":
      if (step.timeoutMs === undefined) return ["timed out, and has no timeout"];
      return judgeStopped(row, step, end, (index.starts.get(tryKey(row))?.[0]?.at ?? 0) + step.timeoutMs / 1000);
    case "cancelled":
      if (cancelledAt === undefined) return ["was cancelled, and nobody asked for it"];
      return judgeStopped(row, step, end, cancelledAt);
    case "lost":
      return kills.some(({ hadExitRecord }) => !hadExitRecord)
        ? []
        : [`is lost (${row.reason}), and nothing was killed that could have recorded its end`];
    default:
      return []; // unfinished: said by check-settled.ts
  }
}

interface Ending {
  planned: PlannedStep;
  end: LedgerEnd | undefined;
  started: boolean;
  kills: KilledSpawn[];
}

function judgeEnded(row: TryEvidence, { planned, end, started, kills }: Ending): string[] {
  if (!started) return kills.length > 0 && row.state === "failed" ? [] : [`${row.state}, and it never started`];
  if (end === undefined) return [`${row.state} (${row.reason}), and the step did not come to an end`];
  const wrong: string[] = [];
  const { asked, step, target } = planned;
  const expected = expectedExitCode(asked.plan, step, target, row.try);
  const right = end.exit === 0 ? "succeeded" : "failed";
  if (row.state !== right) wrong.push(`${row.state}, and the step ended with ${end.exit}`);
  if (row.exitCode !== end.exit) wrong.push(`exit code ${row.exitCode}, and the step ended with ${end.exit}`);
  if (end.signal !== "-") wrong.push(`${row.state}, and the step was stopped by ${end.signal}`);
  else if (end.exit !== expected) wrong.push(`the step ended with ${end.exit}, and was to end with ${expected}`);
  if (end.signal === "-" && end.bytes !== step.bytes)
    wrong.push(`the step printed ${end.bytes} bytes, and was to print ${step.bytes}`);
  return wrong;
}

/**
 * Stopped by us: it did not see its own end, or saw the signal, or ended by itself while it was being stopped. Before
 * `reasonAt` there was nothing to stop it for. The clock of the ledger is this machine's too. Of a script the shell is
 * the command: its program may have come to its end, and the shell itself been stopped before it could tell.
 */
function judgeStopped(row: TryEvidence, step: StepPlan, end: LedgerEnd | undefined, reasonAt: number): string[] {
  if (end === undefined || end.signal === "TERM") return [];
  if (end.at < reasonAt) return [`${row.state}, and the step had ended by itself with ${end.exit} before`];
  if (row.exitCode === end.exit) return [];
  if (step.shell === "sh" && row.exitCode === null && (row.signal === "SIGTERM" || row.signal === "SIGKILL")) return [];
  return [`${row.state} with exit code ${row.exitCode}, and the step ended with ${end.exit}`];
}

function judgeStep(row: StepEvidence, index: EvidenceIndex): string[] {
  const planned = index.planOf(row.assignment, row.step);
  if (planned === undefined) return ["is recorded, and nobody planned it"];
  const { step } = planned;
  const isCancelled = index.cancelledAt(row.assignment) !== undefined;
  const tries = (index.triesOf.get(row.assignment) ?? []).filter(({ step: id }) => id === row.step);
  const last = tries.toSorted((a, b) => a.try - b.try).at(-1);
  if (row.state === "skipped") return last ? ["was skipped, and has tries"] : [];
  if (last === undefined) return row.state === "cancelled" ? [] : [`${row.state} without a try`];
  const wrong: string[] = [];
  const cancelledInPause = row.state === "cancelled" && isCancelled;
  if (row.state !== last.state && !cancelledInPause) wrong.push(`${row.state}, and its last try ${last.state}`);
  const numbers = tries.map((one) => one.try).sort((a, b) => a - b);
  if (numbers.some((number, at) => number !== at + 1)) wrong.push(`has tries ${numbers.join(", ")}`);
  const failures = tries.filter(({ state }) => state === "failed" || state === "timed_out").length;
  if (row.state === "failed" && failures !== step.retryMax + 1 && !isCancelled)
    wrong.push(`failed after ${failures} failures, and ${step.retryMax} retries were allowed`);
  return wrong;
}

function judgeAssignment(row: AssignmentEvidence, index: EvidenceIndex): string[] {
  const job = index.plannedStage(row.executionId, row.stageId)?.job;
  if (job === undefined) return []; // said by check-settled.ts and check-flow-rows.ts
  const steps = new Map((index.stepsOf.get(row.id) ?? []).map((step) => [step.step, step]));
  const isCancelled = index.cancelledAt(row.id) !== undefined;
  const never = judgeNever(row, steps, index);
  if (never !== undefined) return never;
  if (row.state === "cancelled") return judgeCancelled(job, steps, isCancelled);
  const missing = job.steps.filter(({ id }) => !steps.has(id)).map(({ id }) => id);
  const wrong = missing.length > 0 ? [`${row.state}, and nothing is recorded of ${missing.join(", ")}`] : [];
  const expected = outcomeOf(job, steps);
  if (row.state !== expected) wrong.push(`is ${row.state} (${row.reason}), and its steps make it ${expected}`);
  return [...wrong, ...judgeSkipped(job, steps, isCancelled)];
}

/** Of stages that did not begin there is nothing; why they did not, check-flow-rows.ts and check-approvals.ts look at. */
function judgeNever(
  row: AssignmentEvidence,
  steps: Map<string, StepEvidence>,
  index: EvidenceIndex,
): string[] | undefined {
  if (row.state === "skipped") return steps.size > 0 ? ["was skipped, and has steps"] : [];
  const waited = index.asked.get(row.executionId)?.plan.job.flow?.approval !== undefined;
  return row.state === "cancelled" && waited && steps.size === 0 ? [] : undefined;
}

function judgeCancelled(job: JobPlan, steps: Map<string, StepEvidence>, isCancelled: boolean): string[] {
  if (!isCancelled) return ["was cancelled, and nobody asked for it"];
  const main = job.steps.filter(({ phase }) => phase === "steps");
  const all = main.every(({ id }) => ["succeeded", "failed"].includes(steps.get(id)?.state ?? "missing"));
  return all ? ["was cancelled, and all its steps had run"] : [];
}

const isBad = (step: StepPlan, state: string | undefined): boolean =>
  state === "lost" || ((state === "failed" || state === "timed_out") && !step.continueOnError);

/** The first step that went wrong decides, those of `finally` last. */
function outcomeOf(job: JobPlan, steps: Map<string, StepEvidence>): string {
  for (const phase of ["steps", "finally"] as const) {
    const bad = job.steps.find((step) => step.phase === phase && isBad(step, steps.get(step.id)?.state));
    if (bad) return steps.get(bad.id)!.state;
  }
  return "succeeded";
}

/**
 * Steps are skipped after a failure and not before; `finally` never; `onFailure` exactly without one, or when a cancel
 * came between the failure and its turn.
 */
function judgeSkipped(job: JobPlan, steps: Map<string, StepEvidence>, cancelAsked: boolean): string[] {
  const wrong: string[] = [];
  const stateOf = ({ id }: StepPlan) => steps.get(id)?.state;
  const main = job.steps.filter(({ phase }) => phase === "steps");
  const badAt = main.findIndex((step) => isBad(step, stateOf(step)));
  main.forEach((step, at) => {
    const isAfter = badAt >= 0 && at > badAt;
    if ((stateOf(step) === "skipped") !== isAfter) wrong.push(`step ${step.id} is ${stateOf(step)}`);
  });
  const failed = badAt >= 0 && stateOf(main[badAt]!) !== "lost";
  for (const step of job.steps.filter(({ phase }) => phase !== "steps")) {
    const runs = step.phase === "finally" || failed;
    if (step.phase === "onFailure" && cancelAsked && steps.get(step.id)?.reason.startsWith("cancelled")) continue;
    if ((stateOf(step) === "skipped") === runs) wrong.push(`step ${step.id} of ${step.phase} is ${stateOf(step)}`);
  }
  return wrong;
}
