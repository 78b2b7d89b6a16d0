// The newest signed checkpoint with the key that checks it, for agents to keep. Read by presence every few seconds.
import type { Context } from "../context.ts";
import { type CheckpointRow, selectLastCheckpoint } from "./audit-chain-queries.ts";
import { loadCheckpointKey } from "./checkpoints.ts";

/** `publicKey` is SPKI DER. */
export type HandedCheckpoint = CheckpointRow & { publicKey: Buffer };

export function checkpointReader(
  ctx: Pick<Context, "sql" | "keys" | "newId">,
): () => Promise<HandedCheckpoint | undefined> {
  let known: { id: string; publicKey: Buffer } | undefined;
  return async () => {
    const checkpoint = await selectLastCheckpoint(ctx.sql);
    if (!checkpoint) return undefined;
    if (known?.id !== checkpoint.keyId) {
      const key = await loadCheckpointKey(ctx);
      known = { id: key.id, publicKey: key.publicKey.export({ format: "der", type: "spki" }) };
    }
    return known.id === checkpoint.keyId ? { ...checkpoint, publicKey: known.publicKey } : undefined;
  };
}
