// Appends output at its offset: what is older is ignored, a hole is asked for again, and the last byte may be what a
// finished assignment waited for. Called through agent-work.ts by the handler of PushOutput.
import type { Hash } from "node:crypto";
import type { Query } from "../context.ts";
import type { AgentSession, OutputPiece, OutputReply } from "../fleet/agent-link.ts";
import { type Attempt, type TryRow, tryKey } from "./attempt.ts";
import { copyOutput } from "./copy-output.ts";
import type { ExecutionRow } from "./execution-queries.ts";
import { settleAttempt } from "./finish-assignment.ts";
import { encodeOutput } from "./output-encoding.ts";
import { hashKey, verifyOutput } from "./output-hashes.ts";
import { insertOutput, type NewOutputRow, updateStoredOutput } from "./output-queries.ts";
import { publishOutput } from "./publish-changes.ts";
import { reportMismatch, reportUnknown, type UnknownAttempt } from "./record-events.ts";
import {
  advanceAttempts,
  attemptOf,
  type LockedBatch,
  lockBatch,
  type Recorder,
  reportAttempts,
  staleSession,
} from "./recorder.ts";
import { writeAttempts } from "./result-queries.ts";

export interface OutputEntry {
  session: AgentSession;
  pieces: OutputPiece[];
}

/** Largest row; pieces of the wire are at most this, and small neighbours are merged up to it. */
export const maxRowBytes = 64 * 1024;
const copyFromBytes = 16 * 1024;

/** What one try is given in this batch. */
interface Growth {
  attempt: Attempt;
  row: TryRow;
  from: bigint;
  pieces: Uint8Array[];
  bytes: number;
}

type Growths = Map<TryRow, Growth>;

interface Stored {
  results: (OutputReply[] | Error)[];
  growths: Growth[];
  attempts: Attempt[];
  executions: ExecutionRow[];
  unknown: UnknownAttempt[];
  hashes: { key: string; bytes: bigint; hash: Hash; ended: boolean }[];
}

export async function storeOutputBatch(
  r: Recorder,
  entries: readonly OutputEntry[],
): Promise<(OutputReply[] | Error)[]> {
  const timer = r.metrics.batch.startTimer({ kind: "output" });
  const stored = await r.ctx.sql.begin((tx) => store(r, tx, entries));
  timer();
  for (const { key, bytes, hash, ended } of stored.hashes) {
    if (ended) r.hashes.drop(key);
    else r.hashes.keep(key, bytes, hash);
  }
  for (const { attempt, row, bytes } of stored.growths) {
    r.metrics.outputBytes.inc(bytes);
    publishOutput(r.ctx, attempt, [row]);
  }
  reportAttempts(r, stored.attempts, stored.executions);
  reportUnknown(r, stored.unknown);
  return stored.results;
}

async function store(r: Recorder, tx: Query, entries: readonly OutputEntry[]): Promise<Stored> {
  const batch = await lockBatch(
    r,
    tx,
    entries.map((e) => ({ session: e.session, assignmentIds: e.pieces.map((p) => p.assignmentId) })),
  );
  const growths: Growths = new Map();
  const unknown: UnknownAttempt[] = [];
  const results = entries.map((entry) =>
    batch.isLive(entry.session) ? placePieces(r, batch, entry, growths, unknown) : staleSession(entry.session),
  );
  const grown = [...growths.values()].filter((g) => g.pieces.length > 0);
  const hashes = await appendAll(r, tx, grown);
  const attempts = [...new Set(grown.map((g) => g.attempt))];
  for (const attempt of attempts) settleAttempt(attempt);
  await writeAttempts(tx, attempts);
  const executions = await advanceAttempts(r, tx, attempts);
  return { results, growths: grown, attempts, executions, unknown, hashes };
}

/** Decides for each piece whether it is next, old, or beyond a hole. Nothing is written yet. */
function placePieces(
  r: Recorder,
  batch: LockedBatch,
  { session, pieces }: OutputEntry,
  growths: Growths,
  unknown: UnknownAttempt[],
): OutputReply[] {
  const replies = new Map<string, OutputReply>();
  for (const piece of pieces) {
    const attempt = attemptOf(batch, session, piece);
    if (!attempt) {
      if (!unknown.some((u) => u.event.fence === piece.fence)) unknown.push({ session, event: piece });
      continue;
    }
    const key = `${piece.fence} ${tryKey(piece.stepId, piece.try)}`;
    const row = attempt.tries.get(tryKey(piece.stepId, piece.try));
    const stored = row ? placePiece(growths, attempt, row, piece) : undefined;
    const address = { fence: piece.fence, stepId: piece.stepId, try: piece.try };
    if (stored === undefined) {
      r.metrics.rewinds.inc({ stream: "output" });
      replies.set(key, { kind: "rewind", ...address, offset: row?.storedBytes ?? 0n });
    } else if (replies.get(key)?.kind !== "rewind") replies.set(key, { kind: "ack", ...address, storedBytes: stored });
  }
  return [...replies.values()];
}

/** Bytes stored with this piece; undefined when there is a hole before it. */
function placePiece(growths: Growths, attempt: Attempt, row: TryRow, piece: OutputPiece): bigint | undefined {
  if (piece.offset > row.storedBytes) return undefined;
  let fresh = piece.data.subarray(Number(row.storedBytes - piece.offset));
  if (row.outputBytes !== null && row.storedBytes + BigInt(fresh.length) > row.outputBytes) {
    attempt.violations.push(`output of step ${row.stepId} goes on after its end at ${row.outputBytes} bytes`);
    fresh = fresh.subarray(0, Number(row.outputBytes - row.storedBytes));
  }
  if (fresh.length === 0) return row.storedBytes;
  const growth = growths.get(row) ?? { attempt, row, from: row.storedBytes, pieces: [], bytes: 0 };
  growths.set(row, growth);
  growth.pieces.push(fresh);
  growth.bytes += fresh.length;
  row.storedBytes += BigInt(fresh.length);
  return row.storedBytes;
}

async function appendAll(r: Recorder, tx: Query, growths: readonly Growth[]): Promise<Stored["hashes"]> {
  if (growths.length === 0) return [];
  const rows: NewOutputRow[] = [];
  const hashes: Stored["hashes"] = [];
  for (const growth of growths) {
    const { attempt, row, from } = growth;
    const key = hashKey(attempt.assignment.id, row.attempt, row.stepId, row.try);
    const hash = r.hashes.fork(key, from);
    for (const piece of growth.pieces) hash?.update(piece);
    rows.push(...(await rowsOf(growth)));
    if (hash) hashes.push({ key, bytes: row.storedBytes, hash, ended: row.outputBytes === row.storedBytes });
  }
  const total = growths.reduce((sum, g) => sum + g.bytes, 0);
  await (total < copyFromBytes ? insertOutput(tx, rows) : copyOutput(tx, rows));
  for (const { attempt, row } of growths) {
    const key = hashKey(attempt.assignment.id, row.attempt, row.stepId, row.try);
    const hash = hashes.find((h) => h.key === key)?.hash.copy();
    if (await verifyOutput(tx, attempt.assignment, row, hash)) reportMismatch(r, attempt, row);
  }
  await updateStoredOutput(
    tx,
    growths.map(({ attempt, row }) => ({ ...row, assignmentId: attempt.assignment.id })),
  );
  return hashes;
}

/** Merges neighbours into rows of at most 64 KiB, counting lines on the way. */
async function rowsOf({ attempt, row, from, pieces }: Growth): Promise<NewOutputRow[]> {
  const stream = { assignmentId: attempt.assignment.id, attempt: row.attempt, stepId: row.stepId, try: row.try };
  const blocks = mergePieces(pieces, maxRowBytes);
  const encoded = await Promise.all(blocks.map(encodeOutput));
  let byteOffset = from;
  return blocks.map((block, i) => {
    const made = { ...stream, byteOffset, firstLine: row.storedLines, byteLength: block.length, ...encoded[i]! };
    byteOffset += BigInt(block.length);
    row.storedLines += BigInt(countNewlines(block));
    return made;
  });
}

export function mergePieces(pieces: readonly Uint8Array[], maxBytes: number): Buffer[] {
  const blocks: Buffer[] = [];
  let group: Uint8Array[] = [];
  let size = 0;
  const close = () => {
    if (size > 0) blocks.push(group.length === 1 ? bufferOf(group[0]!) : Buffer.concat(group, size));
    group = [];
    size = 0;
  };
  for (const piece of pieces) {
    if (size + piece.length > maxBytes) close();
    group.push(piece);
    size += piece.length;
  }
  close();
  return blocks;
}

const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export function countNewlines(bytes: Uint8Array): number {
  let count = 0;
  for (let i = 0; i < bytes.length; i++) if (bytes[i] === 10) count++;
  return count;
}
