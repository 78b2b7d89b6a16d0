// Makes rows of what a batch adds to outputs: neighbours merged, lines counted, compressed, hashed on the way. Called by
// record-batch.ts.
import type { Hash } from "node:crypto";
import type { Query } from "../context.ts";
import { encodeOutput } from "./output-encoding.ts";
import { hashKey, hashStored } from "./output-hashes.ts";
import type { NewOutputRow, OutputStream } from "./output-queries.ts";
import type { Recorder } from "./recorder.ts";
import type { Growth } from "./take-output.ts";

/** Largest row: pieces of the wire, at most 64 KiB each, are merged up to it. */
const maxRowBytes = 256 * 1024;
const copyFromBytes = 16 * 1024;

export interface Appended {
  /** Over everything stored of a try, where its beginning is known here. */
  hashes: Map<string, { bytes: bigint; hash: Hash }>;
  /** To be inserted with the other writes of the batch. */
  rows: NewOutputRow[];
  /** To be copied before them: too much for a parameter. */
  bulk: NewOutputRow[];
}

/** Sets `storedLines`; `storedBytes` is what takeOutput made of it. */
export async function appendOutput(r: Recorder, q: Query, growths: readonly Growth[]): Promise<Appended> {
  const hashes: Appended["hashes"] = new Map();
  const rows: NewOutputRow[] = [];
  for (const growth of growths) {
    const { attempt, row, from, pieces } = growth;
    const key = hashKey(attempt, row);
    const stream = { assignmentId: attempt.assignment.id, attempt: row.attempt, stepId: row.stepId, try: row.try };
    const isComplete = row.storedBytes === row.outputBytes;
    const hash = r.hashes.fork(key, from) ?? (isComplete ? await hashStored(q, stream, from) : undefined);
    for (const piece of pieces) hash?.update(piece);
    if (hash) hashes.set(key, { bytes: row.storedBytes, hash });
    rows.push(...(await rowsOf(growth, stream)));
    attempt.dirtyTries.add(row);
  }
  const isBulk = growths.reduce((sum, g) => sum + g.bytes, 0) >= copyFromBytes;
  return { hashes, rows: isBulk ? [] : rows, bulk: isBulk ? rows : [] };
}

async function rowsOf({ row, from, pieces }: Growth, stream: OutputStream): Promise<NewOutputRow[]> {
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

function mergePieces(pieces: readonly Uint8Array[], maxBytes: number): Buffer[] {
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

function countNewlines(bytes: Uint8Array): number {
  let count = 0;
  for (let i = 0; i < bytes.length; i++) if (bytes[i] === 10) count++;
  return count;
}
