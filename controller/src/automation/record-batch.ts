// Records what agents say and send: events and output of everything that waits, of however many agents, in one
// transaction that first checks their sessions. Replies leave after the commit. Called by the lanes of agent-work.ts.
//
// The statements of one step travel together: begin; locks and reads; writes and commit. Three round trips, whatever the
// size of the batch; one more where only the reads show that an execution moves.
import { markStage } from "@opsconductor/contract/stage-marks";
import { type AssignmentState, assignmentStates, isTerminal } from "@opsconductor/contract/states";
import type { Query } from "../context.ts";
import type {
  AgentEvent,
  AgentEventBody,
  AgentSession,
  EventReply,
  OutputPiece,
  OutputReply,
} from "../fleet/agent-link.ts";
import { executionsOf, foldTransitions, writeProgress } from "./advance-executions.ts";
import { type Appended, appendOutput } from "./append-output.ts";
import { type Attempt, tryKey } from "./attempt.ts";
import { copyOutput } from "./copy-output.ts";
import { type ExecutionRow, lockExecutions } from "./execution-queries.ts";
import type { Transition } from "./execution-state.ts";
import { settleAttempt } from "./finish-assignment.ts";
import { hashKey, verifyOutput } from "./output-hashes.ts";
import { attemptOf, type LockedBatch, lockBatch, type Recorder, staleSession } from "./recorder.ts";
import { reportBatch } from "./report-batch.ts";
import { writeBatch } from "./result-queries.ts";
import { takeEvents, type UnknownAttempt } from "./take-events.ts";
import { type Growth, type Growths, takeOutput } from "./take-output.ts";
import { withCommit } from "./with-commit.ts";

export interface RecordEntry {
  session: AgentSession;
  events: readonly AgentEvent[];
  pieces: readonly OutputPiece[];
}

export interface RecordReplies {
  events: EventReply[];
  output: OutputReply[];
}

export interface Recorded {
  results: (RecordReplies | Error)[];
  /** Those that the batch changed. */
  attempts: Attempt[];
  growths: Growth[];
  hashes: Appended["hashes"];
  executions: ExecutionRow[];
  unknown: UnknownAttempt[];
}

export async function recordBatch(r: Recorder, entries: readonly RecordEntry[]): Promise<(RecordReplies | Error)[]> {
  markStage("batch.begun");
  const timer = r.metrics.batch.startTimer();
  const { recorded, last } = await r.ctx.sql.begin((tx) => record(r, tx, entries));
  const executions = await last;
  timer();
  markStage("batch.committed");
  reportBatch(r, { ...recorded, executions });
  markStage("execution.published");
  return recorded.results;
}

async function record(r: Recorder, tx: Query, entries: readonly RecordEntry[]) {
  const batch = await lockBatch(r, tx, {
    sessions: entries.map((e) => e.session),
    assignmentIds: entries.flatMap((e) => [...e.events, ...e.pieces].map((x) => x.assignmentId)),
    withExecutions: movesExecutions(entries),
  });
  const { results, growths, unknown } = take(r, batch, entries);
  const appended = await appendOutput(r, tx, growths);
  const attempts = [...batch.attempts.values()].filter((a) => a.dirty || a.dirtyTries.size > 0 || a.notes.length > 0);
  for (const attempt of attempts) await settle(r, tx, attempt, appended.hashes);
  const transitions = attempts.flatMap((a) => transitionsOf(a, r.ctx.now()));
  const { last } = await write(tx, batch, { attempts, appended, transitions });
  return { recorded: { results, attempts, growths, hashes: appended.hashes, unknown }, last };
}

/** Nearly always. Not with much output, which would hold the executions' rows for as long as it takes to store. */
function movesExecutions(entries: readonly RecordEntry[]): boolean {
  const bytes = entries.reduce((sum, { pieces }) => pieces.reduce((more, p) => more + p.data.length, sum), 0);
  return bytes < maxBytesUnderLock && entries.some(({ events }) => events.some(({ body }) => moving.has(body.kind)));
}

const maxBytesUnderLock = 64 * 1024;
const moving: ReadonlySet<AgentEventBody["kind"]> = new Set(["accepted", "denied", "tombstone", "finished"]);

function take(r: Recorder, batch: LockedBatch, entries: readonly RecordEntry[]) {
  const now = r.ctx.now();
  const growths: Growths = new Map();
  const unknown: UnknownAttempt[] = [];
  const results = entries.map((entry): RecordReplies | Error => {
    if (!batch.isLive(entry.session)) return staleSession(entry.session);
    const events = takeEvents(batch, entry, now, unknown);
    const output = takeOutput(batch, entry, growths, unknown);
    noteRewinds(r, batch, entry, { events, output }, now);
    return { events, output };
  });
  return { results, growths: [...growths.values()], unknown };
}

const rewindNoteEveryMs = 60_000;

/** Holes are filled by sending again and do no harm; a timeline says that they were, at most once a minute a target. */
function noteRewinds(r: Recorder, batch: LockedBatch, entry: RecordEntry, replies: RecordReplies, at: Date): void {
  const asked = [...replies.events, ...replies.output].filter((reply) => reply.kind === "rewind");
  for (const reply of asked) {
    const said = [...entry.events, ...entry.pieces].find((x) => x.fence === reply.fence)!;
    const attempt = attemptOf(batch, entry.session, said);
    // Output that overtook the event which tells of its try is sent again by design.
    const isEarly = "offset" in reply && !attempt?.tries.has(tryKey(reply.stepId, reply.try));
    if (!attempt || isEarly || at.getTime() - (r.rewound.get(said.assignmentId) ?? 0) < rewindNoteEveryMs) continue;
    r.rewound.set(said.assignmentId, at.getTime());
    const place =
      "offset" in reply
        ? { stepId: reply.stepId, try: reply.try, from: Number(reply.offset) }
        : { from: Number(reply.fromSeq) };
    attempt.notes.push({
      kind: "stream.rewound",
      at,
      detail: { stream: "offset" in reply ? "output" : "events", ...place },
    });
  }
}

/** Verifies outputs that are complete now, then ends the assignment if nothing is missing. */
async function settle(r: Recorder, tx: Query, attempt: Attempt, hashes: Appended["hashes"]): Promise<void> {
  for (const row of attempt.dirtyTries) {
    const key = hashKey(attempt, row);
    const hash = hashes.get(key)?.hash.copy() ?? r.hashes.fork(key, row.storedBytes);
    await verifyOutput(tx, attempt, row, hash, r.ctx.now());
  }
  settleAttempt(attempt);
}

/** How an attempt's state moved, with the start in between when a batch holds both start and end. */
export function transitionsOf({ assignment: a, before }: Attempt, now: Date): Transition[] {
  if (a.state === before) return [];
  const at = (isTerminal(assignmentStates, a.state) ? a.finishedAt : a.startedAt) ?? now;
  const common = { executionId: a.executionId, stageId: a.stageId };
  if (before === "running" || a.state === "running" || a.startedAt === null)
    return [{ ...common, from: before, to: a.state, at }];
  const through: AssignmentState = "running";
  return [
    { ...common, from: before, to: through, at: a.startedAt },
    { ...common, from: through, to: a.state, at },
  ];
}

interface Changes {
  attempts: readonly Attempt[];
  appended: Appended;
  transitions: readonly Transition[];
}

/** Sends the writes; those that need no answer before the commit travel with it. */
async function write(
  tx: Query,
  batch: LockedBatch,
  { attempts, appended, transitions }: Changes,
): Promise<{ last: Promise<ExecutionRow[]> }> {
  if (appended.bulk.length > 0) await copyOutput(tx, appended.bulk); // nothing else may be sent while COPY runs
  const written = writeBatch(tx, { attempts, output: appended.rows });
  if (transitions.length === 0) return await withCommit(written.then(() => []));
  const locked = batch.executions ?? (await lockAfter(tx, written, transitions));
  const progress = writeProgress(tx, foldTransitions(locked, transitions));
  return await withCommit(Promise.all([progress, written]).then(([rows]) => rows));
}

async function lockAfter(tx: Query, written: Promise<void>, transitions: readonly Transition[]) {
  const [locked] = await Promise.all([lockExecutions(tx, executionsOf(transitions)), written]);
  return locked;
}
