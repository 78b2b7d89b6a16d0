// Invariants 2 and 5 over the record of every committed change: states are paths of the product's tables, and epochs and
// fences only grow. Pure; called by check-invariants.ts.
import { assignmentStates, executionStates, stageStates, stepStates, tryStates } from "@opsconductor/contract/states";
import type { Evidence, Violation } from "./evidence.ts";
import { tryKey } from "./ledger.ts";
import type { Entity, Transition } from "./transitions.ts";

type Table = Record<string, readonly string[]>;

/** A stop is no path: it is said once. */
type Pathless = "session" | "stop" | "turn";

const tables: Record<Exclude<Entity, Pathless>, { table: Table; first: string }> = {
  execution: { table: executionStates, first: "awaiting_approval" },
  stage: { table: stageStates, first: "pending" },
  assignment: { table: assignmentStates, first: "queued" },
  step: { table: stepStates, first: "pending" },
  try: { table: tryStates, first: "starting" },
  approval: {
    table: {
      waiting: ["approved", "rejected", "expired", "cancelled"],
      approved: [],
      rejected: [],
      expired: [],
      cancelled: [],
    },
    first: "waiting",
  },
  decision: { table: { none: ["approve", "reject"], approve: [], reject: [] }, first: "none" },
};

export function checkPaths(evidence: Evidence): Violation[] {
  const histories = Map.groupBy(evidence.transitions, ({ entity, key }) => `${entity} ${key}`);
  const found: Violation[] = [];
  for (const [subject, history] of histories) {
    for (const { anomaly } of history) if (anomaly !== null) found.push({ invariant: 1, subject, what: anomaly });
    const { entity } = history[0]!;
    if (entity === "session") found.push(...checkEpochs(subject, history));
    else if (entity === "stop" || entity === "turn") found.push(...checkOnce(subject, history));
    else found.push(...checkHistory(subject, history, tables[entity]));
    if (entity === "assignment") found.push(...checkFences(subject, history));
  }
  return [...found, ...checkLastStates(evidence, histories), ...checkFencesAreUnique(evidence)];
}

/** One commit may hold several steps of a path, so what counts is that there is a way from each state to the next. */
function checkHistory(subject: string, history: Transition[], { table, first }: { table: Table; first: string }) {
  const found: Violation[] = [];
  const say = (what: string) => found.push({ invariant: 2, subject, what });
  let state = first;
  history.forEach(({ from, to, anomaly }, at) => {
    if (to === null) return; // what has no state says an anomaly
    if (at === 0 && from !== null) say(`is first seen as ${from}, which nobody recorded`);
    if (at > 0 && from !== state) say(`was ${state}, and goes on from ${from}`);
    if (anomaly === null && from !== to && !leads(table, from ?? first, to)) say(`${from ?? "new"} → ${to}`);
    state = to;
  });
  return found;
}

/** True for no step at all. */
function leads(table: Table, from: string, to: string): boolean {
  const seen = new Set([from]);
  for (const state of seen) for (const next of table[state] ?? []) seen.add(next);
  return seen.has(to);
}

/** What is taken is given back once, and what is stopped stays so. */
function checkOnce(subject: string, history: Transition[]): Violation[] {
  const twice = history.find(({ to }, at) => history.findIndex((other) => other.to === to) < at);
  return twice ? [{ invariant: 2, subject, what: `became ${twice.to} twice` }] : [];
}

function checkEpochs(subject: string, history: Transition[]): Violation[] {
  return history.flatMap(({ epoch, to }, at): Violation[] => {
    const before = history[at - 1];
    if (before?.epoch == null || epoch === null) return [];
    const mustGrow = to === "open";
    const isRight = mustGrow ? epoch > before.epoch : epoch >= before.epoch;
    return isRight ? [] : [{ invariant: 5, subject, what: `its epoch went from ${before.epoch} to ${epoch} (${to})` }];
  });
}

function checkFences(subject: string, history: Transition[]): Violation[] {
  const found: Violation[] = [];
  let last: { fence: bigint; attempt: number } | undefined;
  for (const { fence, attempt } of history) {
    if (fence === null || attempt === null || fence === last?.fence) continue;
    if (last && (fence < last.fence || attempt <= last.attempt))
      found.push({ invariant: 5, subject, what: `attempt ${attempt} has fence ${fence} after ${last.fence}` });
    last = { fence, attempt };
  }
  return found;
}

function checkFencesAreUnique(evidence: Evidence): Violation[] {
  const owners = new Map<bigint, string>();
  return evidence.transitions.flatMap(({ entity, key, fence, attempt }): Violation[] => {
    if (entity !== "assignment" || fence === null) return [];
    const owner = `${key}/${attempt}`;
    const other = owners.get(fence);
    owners.set(fence, owner);
    if (other === undefined || other === owner) return [];
    return [{ invariant: 5, subject: `assignment ${key}`, what: `fence ${fence} belongs to ${other} already` }];
  });
}

/** What the tables hold in the end is what the record says. */
function checkLastStates(evidence: Evidence, histories: Map<string, Transition[]>): Violation[] {
  const rows: [string, string][] = [
    ...evidence.executions.map((row): [string, string] => [`execution ${row.id}`, row.state]),
    ...evidence.stages.map((row): [string, string] => [`stage ${row.executionId}/${row.stageId}`, row.state]),
    ...evidence.assignments.map((row): [string, string] => [`assignment ${row.id}`, row.state]),
    ...evidence.steps.map((row): [string, string] => [`step ${row.assignment}/${row.step}`, row.state]),
    ...evidence.tries.map((row): [string, string] => [`try ${tryKey(row)}`, row.state]),
  ];
  return rows.flatMap(([subject, state]): Violation[] => {
    const last = histories.get(subject)?.findLast(({ to }) => to !== null)?.to;
    return last === state ? [] : [{ invariant: 2, subject, what: `is ${state}, and was ${last ?? "never"} recorded` }];
  });
}
