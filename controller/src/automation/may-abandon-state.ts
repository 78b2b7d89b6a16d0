// Whether a person may declare an assignment lost, and what to do instead. Pure; the list of assignments and the verb
// judge by it.
import type { AssignmentState } from "@opsconductor/contract/states";

export interface AbandonFacts {
  state: AssignmentState;
  desired: string;
  /** Its agent has no live connection. */
  unreachable: boolean;
  quarantined: boolean;
  /** The agent told the end, and output that it named is missing. */
  finish: object | null;
}

const held: readonly AssignmentState[] = ["offered", "accepted", "running"];

/** Undefined: yes. Else why not, for people. */
export function reasonNotToAbandon(a: AbandonFacts): string | undefined {
  if (a.state === "queued") return "it was never given to its agent: cancel the execution, or wait until it expires.";
  if (!held.includes(a.state)) return `it has already ended (${a.state}).`;
  if (a.unreachable || a.quarantined || a.finish !== null || a.desired === "cancel") return undefined;
  return "its agent is connected and will tell how it ends: cancel the execution if it shall stop.";
}
