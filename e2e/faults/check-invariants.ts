// The six invariants of the protocol, judged from the outside: database against ledger against what a step must have
// printed. Pure; called by every fault test at its end. One file for each group of rules.
import { checkFlowOrder } from "./check-flow-order.ts";
import { checkFlowRows } from "./check-flow-rows.ts";
import { checkGates } from "./check-gates.ts";
import { checkOutcomes } from "./check-outcomes.ts";
import { checkOutput } from "./check-output.ts";
import { checkPaths } from "./check-paths.ts";
import { checkSettled } from "./check-settled.ts";
import { checkStarts } from "./check-starts.ts";
import type { Evidence, Violation } from "./evidence.ts";
import { indexEvidence } from "./index-evidence.ts";

/** Empty when everything the product promises was kept. */
export function checkInvariants(evidence: Evidence): Violation[] {
  const index = indexEvidence(evidence);
  return [
    ...checkSettled(evidence, index),
    ...checkPaths(evidence),
    ...checkStarts(evidence, index),
    ...checkOutcomes(evidence, index),
    ...checkOutput(evidence, index),
    ...checkFlowRows(evidence, index),
    ...checkFlowOrder(evidence, index),
    ...checkGates(evidence, index),
  ];
}

/** How much was looked at, so that a report of "no violations" can be weighed. */
export function countChecked(evidence: Evidence): Record<string, number> {
  const bytes = evidence.tries.reduce((sum, row) => sum + row.storedBytes, 0);
  const count = (states: string[]) => evidence.tries.filter((row) => states.includes(row.state)).length;
  return {
    executions: evidence.executions.length,
    assignments: evidence.assignments.length,
    steps: evidence.steps.length,
    tries: evidence.tries.length,
    "tries succeeded": count(["succeeded"]),
    "tries failed": count(["failed"]),
    "tries timed out": count(["timed_out"]),
    "tries cancelled": count(["cancelled"]),
    "tries lost": count(["lost"]),
    "starts in the ledger": evidence.ledger.filter((entry) => entry.kind === "start").length,
    "ends in the ledger": evidence.ledger.filter((entry) => entry.kind === "end").length,
    "changes of state": evidence.transitions.length,
    "bytes of output": bytes,
  };
}
