// Decides for each piece of output of a batch whether it is next, old, or beyond a hole. Nothing is written here. Called
// by record-batch.ts with the rows locked.
import type { AgentSession, OutputPiece, OutputReply } from "../fleet/agent-link.ts";
import { type Attempt, isPossibleTry, newTry, type TryRow, tryKey } from "./attempt.ts";
import { attemptOf, type LockedBatch } from "./recorder.ts";
import { noteUnknown, type UnknownAttempt } from "./take-events.ts";

/** What one try is given in this batch. */
export interface Growth {
  attempt: Attempt;
  row: TryRow;
  from: bigint;
  pieces: Uint8Array[];
  bytes: number;
}

export type Growths = Map<TryRow, Growth>;

/** A job allows 1 GiB of one try, which its agent keeps to; this keeps an agent that does not from filling the disk. */
const maxOutputBytes = 2n ** 30n + 2n ** 20n;

/** One reply a try. `growths` collects the bytes to append. */
export function takeOutput(
  batch: LockedBatch,
  { session, pieces }: { session: AgentSession; pieces: readonly OutputPiece[] },
  growths: Growths,
  unknown: UnknownAttempt[],
): OutputReply[] {
  const replies = new Map<string, OutputReply>();
  for (const piece of pieces) {
    const attempt = attemptOf(batch, session, piece);
    if (!attempt) {
      noteUnknown(unknown, session, piece);
      continue;
    }
    const key = `${piece.fence} ${tryKey(piece.stepId, piece.try)}`;
    const row = tryOf(attempt, piece);
    const stored = row && placePiece(growths, attempt, row, piece);
    const address = { fence: piece.fence, stepId: piece.stepId, try: piece.try };
    if (stored === undefined) replies.set(key, { kind: "rewind", ...address, offset: row?.storedBytes ?? 0n });
    else if (replies.get(key)?.kind !== "rewind") replies.set(key, { kind: "ack", ...address, storedBytes: stored });
  }
  return [...replies.values()];
}

/** The first bytes may overtake the event that tells of their try: they prove it as well. */
function tryOf(attempt: Attempt, piece: OutputPiece): TryRow | undefined {
  const key = tryKey(piece.stepId, piece.try);
  const known = attempt.tries.get(key);
  if (known) return known;
  const possible = attempt.stage.stepIds.includes(piece.stepId) && isPossibleTry(piece.try);
  if (!possible || piece.offset !== 0n) return undefined;
  const row = newTry(attempt.assignment.attempt, piece.stepId, piece.try);
  attempt.tries.set(key, row);
  attempt.dirtyTries.add(row);
  return row;
}

/** Bytes stored with this piece; undefined when there is a hole before it. */
function placePiece(growths: Growths, attempt: Attempt, row: TryRow, piece: OutputPiece): bigint | undefined {
  if (piece.offset > row.storedBytes) return undefined;
  let fresh = piece.data.subarray(Number(row.storedBytes - piece.offset));
  const end = row.outputBytes !== null && row.outputBytes < maxOutputBytes ? row.outputBytes : maxOutputBytes;
  if (row.storedBytes + BigInt(fresh.length) > end) {
    attempt.violations.push(`output of step ${row.stepId} goes on after its end at ${end} bytes`);
    const left = end - row.storedBytes; // negative when the end was told as less than is stored
    fresh = fresh.subarray(0, left > 0n ? Number(left) : 0);
  }
  if (fresh.length === 0) return row.storedBytes;
  const growth = growths.get(row) ?? { attempt, row, from: row.storedBytes, pieces: [], bytes: 0 };
  growths.set(row, growth);
  growth.pieces.push(fresh);
  growth.bytes += fresh.length;
  row.storedBytes += BigInt(fresh.length);
  return row.storedBytes;
}
