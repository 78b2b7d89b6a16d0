// Invariant 3 and what follows from it: a try starts at most once, nothing starts that nobody planned or recorded, tries
// follow only what may be tried again, and steps run in their order. Pure; called by check-invariants.ts.
import type { Evidence, TryEvidence, Violation } from "./evidence.ts";
import type { EvidenceIndex } from "./index-evidence.ts";
import { type LedgerEntry, type LedgerStart, tryKey } from "./ledger.ts";
import type { StepPlan } from "./workload.ts";

export function checkStarts(evidence: Evidence, index: EvidenceIndex): Violation[] {
  const found: Violation[] = [];
  const say = (subject: string, what: string) => found.push({ invariant: 3, subject, what });
  for (const [key, starts] of index.starts) {
    if (starts.length > 1) say(key, `started ${starts.length} times (pids ${starts.map(({ pid }) => pid).join(", ")})`);
    found.push(...checkStart(key, starts[0]!, index));
  }
  for (const [key, ends] of index.ends) {
    if (ends.length > 1) say(key, `ended ${ends.length} times`);
    if (!index.starts.has(key)) say(key, "ended and never started");
  }
  // The number of a try is not used again by another attempt.
  const byStep = Map.groupBy(index.starts.values(), ([one]) => `${one!.assignment}/${one!.step}/${one!.try}`);
  for (const [step, starts] of byStep) if (starts.length > 1) say(step, "started in more than one attempt");
  for (const [assignment, entries] of Map.groupBy(evidence.ledger, (entry) => entry.assignment))
    found.push(...checkOrder(assignment, entries, index));
  return found;
}

function checkStart(key: string, start: LedgerStart, index: EvidenceIndex): Violation[] {
  const found: Violation[] = [];
  const say = (what: string) => found.push({ invariant: 3, subject: key, what });
  const assignment = index.assignments.get(start.assignment);
  const planned = index.planOf(start.assignment, start.step);
  if (!assignment || !planned) {
    say("started, and nobody planned it");
    return found;
  }
  if (assignment.executionId !== start.execution || assignment.target !== start.target)
    say(`started on ${start.target} for ${start.execution}: not where it belongs`);
  if (assignment.attempt !== start.attempt || assignment.fence !== start.fence)
    say(`started with fence ${start.fence}, and the assignment has ${assignment.fence}`);
  if (!index.tries.has(key)) say("started, and nobody recorded it");
  if (start.try > 1) found.push(...checkAgain(key, start, planned.step, index));
  return found;
}

/** A further try needs the recorded failure of the one before and a retry left, or a lost one of an idempotent step. */
function checkAgain(key: string, start: LedgerStart, step: StepPlan, index: EvidenceIndex): Violation[] {
  const before = index.tries.get(tryKey({ ...start, try: start.try - 1 }));
  const say = (what: string): Violation[] => [{ invariant: 3, subject: key, what }];
  if (before === undefined) return say("was started, and no try was recorded before it");
  if (before.state === "lost") return step.idempotent ? [] : say("was started after a lost try, and is not idempotent");
  if (before.state !== "failed" && before.state !== "timed_out") return say(`was started after a try ${before.state}`);
  return countFailures(start, index) > step.retryMax ? say("was started after the last allowed retry") : [];
}

function countFailures(start: LedgerStart, index: EvidenceIndex): number {
  const earlier = (row: TryEvidence) => row.step === start.step && row.try < start.try && row.state !== "lost";
  return (index.triesOf.get(start.assignment) ?? []).filter(earlier).length;
}

/** Steps of one assignment never overlap and never go back: the ledger's lines are in the order of writing. */
function checkOrder(assignment: string, entries: LedgerEntry[], index: EvidenceIndex): Violation[] {
  const found: Violation[] = [];
  const say = (what: string) => found.push({ invariant: 3, subject: assignment, what });
  const position = (entry: LedgerEntry) => {
    const { job } = index.planOf(assignment, entry.step) ?? {};
    return job?.steps.findIndex(({ id }) => id === entry.step) ?? -1;
  };
  let current: LedgerEntry | undefined;
  for (const entry of entries) {
    if (entry.kind === "end") {
      // A step that outlived its supervisor may see its end after it was given up, but not after the next began.
      if (current && tryKey(current) !== tryKey(entry)) say(`${tryKey(entry)} ended while ${tryKey(current)} ran`);
      continue;
    }
    if (current && position(entry) < position(current)) say(`${entry.step} started after ${current.step}`);
    if (current && entry.step === current.step && entry.try <= current.try && tryKey(entry) !== tryKey(current))
      say(`try ${entry.try} of ${entry.step} started after try ${current.try}`);
    current = entry;
  }
  return found;
}
