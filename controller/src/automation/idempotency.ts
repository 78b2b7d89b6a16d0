// Idempotency-Key of POST execute: the same request again gets the same execution, also when both arrive at once.
// Called by create-execution.ts inside its transaction.
import { createHash } from "node:crypto";
import { OcError } from "@opsconductor/contract/errors";
import { canonicalJson } from "@opsconductor/contract/job/inputs";
import type { Actor, Query } from "../context.ts";
import { insertExecutionKey, selectExecutionKey } from "./execution-queries.ts";

/** Whose keys they are. */
export const actorKey = (actor: Actor): string => `${actor.kind}:${actor.id ?? actor.name}`;

/** Undefined when the key is now ours; else the execution that the first request made. */
export async function claimKey(
  tx: Query,
  actor: Actor,
  params: { key: string; request: unknown; executionId: string; at: Date },
): Promise<string | undefined> {
  const sha256 = createHash("sha256").update(canonicalJson(params.request)).digest();
  const who = actorKey(actor);
  // Waits for another transaction that holds the same key: then either its row is there, or the key is free.
  if (await insertExecutionKey(tx, { ...params, actor: who, sha256 })) return undefined;
  const first = await selectExecutionKey(tx, who, params.key);
  if (first && sha256.equals(first.requestSha256)) return first.executionId;
  throw new OcError(
    "conflict",
    "This Idempotency-Key was used for another request: use a new key, or repeat the first request unchanged.",
  );
}
