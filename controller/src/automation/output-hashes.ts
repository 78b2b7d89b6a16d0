// Running sha256 of the output being stored, so that the end of a stream needs no second reading. A hint like every
// memory: after a restart the hash is made from the rows. Called by append-output.ts and
// record-batch.ts.
import { createHash, type Hash } from "node:crypto";
import type { Query } from "../context.ts";
import type { Attempt, TryRow } from "./attempt.ts";
import { Lru } from "./lru.ts";
import type { OutputStream } from "./output-queries.ts";
import { readStoredOutput } from "./output-rows.ts";

interface Running {
  bytes: bigint;
  hash: Hash;
}

export class OutputHashes {
  readonly #running = new Lru<string, Running>(4096);

  /** A copy that stands at `bytes`, to go on from; undefined when only the rows know. */
  fork(key: string, bytes: bigint): Hash | undefined {
    if (bytes === 0n) return createHash("sha256");
    const running = this.#running.get(key);
    return running?.bytes === bytes ? running.hash.copy() : undefined;
  }

  /** After the commit that stored up to `bytes`. */
  keep(key: string, bytes: bigint, hash: Hash): void {
    this.#running.set(key, { bytes, hash });
  }

  drop(key: string): void {
    this.#running.delete(key);
  }
}

export const hashKey = ({ assignment }: Attempt, row: TryRow): string =>
  `${assignment.id} ${row.attempt} ${row.stepId} ${row.try}`;

/**
 * When all output of a try is here, says whether it is what the agent sent. `hash` is over everything stored, if known;
 * else the rows are read. Sets `outputVerified`.
 */
export async function verifyOutput(
  q: Query,
  { assignment, notes }: Attempt,
  row: TryRow,
  hash: Hash | undefined,
  at: Date,
): Promise<void> {
  if (row.outputBytes === null || row.outputVerified !== null || row.storedBytes < row.outputBytes) return;
  const { attempt, stepId, try: number, storedBytes, outputBytes } = row;
  const stream = { assignmentId: assignment.id, attempt, stepId, try: number };
  const detail = { stepId, try: number, namedBytes: Number(outputBytes), storedBytes: Number(storedBytes) };
  if (row.state === "lost" && storedBytes > outputBytes) {
    if (row.outputSha256 === null) return;
    const named = (await hashStored(q, stream, outputBytes)).digest();
    if (named.equals(row.outputSha256)) {
      // The host lost its newest bytes with its power and we had them already: they stay, and nobody can vouch for them.
      row.outputBytes = storedBytes;
      row.outputSha256 = null;
      notes.push({ kind: "output.incomplete", at, detail });
      return;
    }
  }
  if (row.outputSha256 === null) return;
  const digest = (hash ?? (await hashStored(q, stream, storedBytes))).digest();
  row.outputVerified = storedBytes === row.outputBytes && digest.equals(row.outputSha256);
  if (!row.outputVerified) notes.push({ kind: "output.mismatch", at, detail });
}

/** Over the first `bytes` of what the rows hold. */
export async function hashStored(q: Query, stream: OutputStream, bytes: bigint): Promise<Hash> {
  const hash = createHash("sha256");
  for await (const piece of readStoredOutput(q, stream, 0n, bytes)) hash.update(piece);
  return hash;
}
