// Records what agents say of their attempts: one transaction for everything that waits, of however many agents.
// Called through agent-work.ts by the stream's handler.
import type { Query } from "../context.ts";
import type { AgentEvent, AgentSession, EventReply } from "../fleet/agent-link.ts";
import { applyEvent, plausibleTime } from "./apply-event.ts";
import type { Attempt } from "./attempt.ts";
import type { ExecutionRow } from "./execution-queries.ts";
import { settleAttempt } from "./finish-assignment.ts";
import { hashKey, verifyOutput } from "./output-hashes.ts";
import {
  advanceAttempts,
  attemptOf,
  forgetAttempt,
  type LockedBatch,
  lockBatch,
  type Recorder,
  reportAttempts,
  staleSession,
} from "./recorder.ts";
import { writeAttempts } from "./result-queries.ts";

export interface EventEntry {
  session: AgentSession;
  events: AgentEvent[];
}

interface Recorded {
  results: (EventReply[] | Error)[];
  attempts: Attempt[];
  executions: ExecutionRow[];
  /** Fences that the agent may drop: not its own, or no longer live. */
  unknown: UnknownAttempt[];
}

export interface UnknownAttempt {
  session: AgentSession;
  event: { assignmentId: string; attempt: number; fence: bigint };
}

/** Replies for each entry, to be sent now that everything is committed. */
export async function recordEventBatch(r: Recorder, entries: readonly EventEntry[]): Promise<(EventReply[] | Error)[]> {
  const timer = r.metrics.batch.startTimer({ kind: "events" });
  const recorded = await r.ctx.sql.begin((tx) => record(r, tx, entries));
  timer();
  reportAttempts(r, recorded.attempts, recorded.executions);
  reportUnknown(r, recorded.unknown);
  return recorded.results;
}

async function record(r: Recorder, tx: Query, entries: readonly EventEntry[]): Promise<Recorded> {
  const batch = await lockBatch(
    r,
    tx,
    entries.map((e) => ({ session: e.session, assignmentIds: e.events.map((event) => event.assignmentId) })),
  );
  const unknown: UnknownAttempt[] = [];
  const results = entries.map((entry) =>
    batch.isLive(entry.session) ? applyEntry(r, batch, entry, unknown) : staleSession(entry.session),
  );
  const attempts = [...batch.attempts.values()].filter((a) => a.dirty);
  for (const attempt of attempts) await settle(r, tx, attempt);
  await writeAttempts(tx, attempts);
  const executions = await advanceAttempts(r, tx, attempts);
  return { results, attempts, executions, unknown };
}

/** Applies what comes next of each fence; ignores what is older; asks again where there is a hole. */
function applyEntry(
  r: Recorder,
  batch: LockedBatch,
  { session, events }: EventEntry,
  unknown: UnknownAttempt[],
): EventReply[] {
  const replies = new Map<bigint, EventReply>();
  const now = r.ctx.now();
  for (const event of events) {
    const attempt = attemptOf(batch, session, event);
    if (!attempt) {
      if (!replies.has(event.fence)) unknown.push({ session, event });
      continue;
    }
    const { assignment } = attempt;
    if (event.seq === assignment.lastSeq + 1n) {
      assignment.lastSeq = event.seq;
      applyEvent(attempt, event.body, plausibleTime(event.atMs, assignment.offeredAt, now));
    }
    if (event.seq > assignment.lastSeq) {
      r.metrics.rewinds.inc({ stream: "events" });
      replies.set(event.fence, { kind: "rewind", fence: event.fence, fromSeq: assignment.lastSeq + 1n });
    } else if (replies.get(event.fence)?.kind !== "rewind")
      replies.set(event.fence, { kind: "ack", fence: event.fence, seq: assignment.lastSeq });
  }
  return [...replies.values()];
}

async function settle(r: Recorder, tx: Query, attempt: Attempt): Promise<void> {
  const { assignment } = attempt;
  for (const row of attempt.dirtyTries) {
    const key = hashKey(assignment.id, row.attempt, row.stepId, row.try);
    if (!(await verifyOutput(tx, assignment, row, r.hashes.fork(key, row.storedBytes)))) continue;
    r.hashes.drop(key);
    reportMismatch(r, attempt, row);
  }
  settleAttempt(attempt);
}

/** Never hidden: the log, a metric, and the assignment's own reason (settleAttempt). */
export function reportMismatch(
  r: Recorder,
  { assignment }: Attempt,
  row: { stepId: string; try: number; outputVerified: boolean | null; storedBytes: bigint; outputBytes: bigint | null },
): void {
  if (row.outputVerified !== false) return;
  r.metrics.mismatches.inc();
  const { stepId, storedBytes, outputBytes } = row;
  r.ctx.log.error(
    {
      assignmentId: assignment.id,
      stepId,
      try: row.try,
      storedBytes: String(storedBytes),
      outputBytes: String(outputBytes),
    },
    "output.mismatch",
  );
}

/** Nothing is stored of these, so nothing is acknowledged; `forget` ends their being sent. */
export function reportUnknown(r: Recorder, unknown: readonly UnknownAttempt[]): void {
  for (const { session, event } of unknown) {
    const { assignmentId, attempt, fence } = event;
    r.ctx.log.warn({ agentId: session.agentId, assignmentId, attempt, fence: String(fence) }, "event.unknown_attempt");
    forgetAttempt(r.dispatcher, session.agentId, { assignmentId, attempt, fence });
  }
}
