// Running sha256 of the output being stored, so that the end of a stream needs no second reading. A hint like every
// memory: after a restart the hash is made from the rows. Called by append-output.ts and
// record-batch.ts.
import { createHash, type Hash } from "node:crypto";
import type { Query } from "../context.ts";
import type { AssignmentRow, TryRow } from "./attempt.ts";
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

export const hashKey = (assignmentId: string, attempt: number, stepId: string, number: number): string =>
  `${assignmentId} ${attempt} ${number} ${stepId}`;

/**
 * When all output of a try is here, says whether it is what the agent sent. `hash` is over everything stored, if known;
 * else the rows are read. Sets `outputVerified`.
 */
export async function verifyOutput(
  q: Query,
  assignment: AssignmentRow,
  row: TryRow,
  hash: Hash | undefined,
): Promise<void> {
  if (row.outputBytes === null || row.outputVerified !== null || row.storedBytes < row.outputBytes) return;
  const { attempt, stepId, try: number, storedBytes } = row;
  const stream = { assignmentId: assignment.id, attempt, stepId, try: number };
  const digest = (hash ?? (await hashStored(q, stream, storedBytes))).digest();
  row.outputVerified = storedBytes === row.outputBytes && digest.equals(row.outputSha256 ?? Buffer.alloc(0));
}

/** Over the first `bytes` of what the rows hold. */
export async function hashStored(q: Query, stream: OutputStream, bytes: bigint): Promise<Hash> {
  const hash = createHash("sha256");
  for await (const piece of readStoredOutput(q, stream, 0n, bytes)) hash.update(piece);
  return hash;
}
