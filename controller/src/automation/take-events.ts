// Decides for each event of a batch whether it is next, old, or beyond a hole, and applies what is next. Called by
// record-batch.ts with the rows locked.
import type { AgentEvent, AgentSession, EventReply } from "../fleet/agent-link.ts";
import { applyEvent, plausibleTime } from "./apply-event.ts";
import { attemptOf, type LockedBatch } from "./recorder.ts";

export interface UnknownAttempt {
  session: AgentSession;
  assignmentId: string;
  attempt: number;
  fence: bigint;
}

/** One reply a fence. `unknown` collects attempts that are not this agent's, or no longer live. */
export function takeEvents(
  batch: LockedBatch,
  { session, events }: { session: AgentSession; events: readonly AgentEvent[] },
  now: Date,
  unknown: UnknownAttempt[],
): EventReply[] {
  const replies = new Map<bigint, EventReply>();
  for (const event of events) {
    const { fence, seq } = event;
    const attempt = attemptOf(batch, session, event);
    if (!attempt) {
      noteUnknown(unknown, session, event);
      continue;
    }
    const { assignment } = attempt;
    if (seq === assignment.lastSeq + 1n) {
      assignment.lastSeq = seq;
      applyEvent(attempt, event.body, plausibleTime(event.atMs, assignment.offeredAt, now));
    }
    if (seq > assignment.lastSeq) replies.set(fence, { kind: "rewind", fence, fromSeq: assignment.lastSeq + 1n });
    else if (replies.get(fence)?.kind !== "rewind") replies.set(fence, { kind: "ack", fence, seq: assignment.lastSeq });
  }
  return [...replies.values()];
}

export function noteUnknown(
  unknown: UnknownAttempt[],
  session: AgentSession,
  { assignmentId, attempt, fence }: { assignmentId: string; attempt: number; fence: bigint },
): void {
  if (!unknown.some((u) => u.fence === fence && u.session === session))
    unknown.push({ session, assignmentId, attempt, fence });
}
