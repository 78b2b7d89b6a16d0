// What an agent that came back is told about each attempt, from what it holds and what the database knows. Pure; called by
// resume-agent.ts.
import { type AssignmentState, assignmentStates, isTerminal } from "@opsconductor/contract/states";

export interface HeldAttempt {
  assignmentId: string;
  fence: bigint;
  lastSeq: bigint;
}

export interface KnownAttempt {
  id: string;
  fence: bigint | null;
  state: AssignmentState;
  desired: "run" | "hold" | "cancel" | "forget";
  lastSeq: bigint;
  /** Epoch of the stream that it was first offered on. */
  offeredEpoch: bigint | null;
  /** Nothing more will come of it. */
  settled: boolean;
}

export interface ResumePlan<H extends HeldAttempt, K extends KnownAttempt> {
  /** Offered, and the agent does not name it: the offer was lost on its way. */
  offerAgain: K[];
  /** Accepted or running, and the agent's journal does not hold it: nobody will ever tell how it ended. */
  lost: K[];
  acknowledge: K[];
  desire: K[];
  forget: H[];
}

export function planResume<H extends HeldAttempt, K extends KnownAttempt>(
  held: readonly H[],
  known: readonly K[],
  epoch: bigint,
): ResumePlan<H, K> {
  const plan: ResumePlan<H, K> = { offerAgain: [], lost: [], acknowledge: [], desire: [], forget: [] };
  const byId = new Map(known.map((k) => [k.id, k]));
  const named = new Set<string>();
  for (const attempt of held) {
    const row = byId.get(attempt.assignmentId);
    if (row?.fence !== attempt.fence) {
      plan.forget.push(attempt);
      continue;
    }
    named.add(row.id);
    plan.acknowledge.push(row); // also at 0: the agent waits to hear where to begin
    if (row.settled && row.lastSeq >= attempt.lastSeq) plan.forget.push(attempt);
    // Also of one that was declared lost meanwhile: what still runs is asked to stop.
    else if (!isTerminal(assignmentStates, row.state) || row.desired === "cancel") plan.desire.push(row);
  }
  for (const row of known.filter((k) => !named.has(k.id))) {
    if (row.state === "offered") {
      if (row.desired !== "run") plan.desire.push(row);
      plan.offerAgain.push(row);
    } else if ((row.state === "accepted" || row.state === "running") && row.offeredEpoch !== epoch) {
      // Not one that this very stream has offered, and seen accepted, since the agent wrote its hello.
      plan.lost.push(row);
    }
  }
  return plan;
}
