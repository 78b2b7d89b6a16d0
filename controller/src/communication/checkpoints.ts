// Checkpoints: signed statements of how far the chain had come and with which hash. The key is the cluster's own and
// sealed; its public half is in every export. Used by chain-audit.ts and verify-audit.ts.
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from "node:crypto";
import { anchorText, checkpointText, type ExportEnd, exportEndText } from "@opsconductor/contract/audit-chain";
import type { Context } from "../context.ts";
import { loadSharedKey } from "../identity/signing-key.ts";
import type { CheckpointRow } from "./audit-chain-queries.ts";

export interface CheckpointKey {
  id: string;
  privateKey: KeyObject;
  publicKey: KeyObject;
}

export async function loadCheckpointKey(ctx: Pick<Context, "sql" | "keys" | "newId">): Promise<CheckpointKey> {
  const { id, key } = await loadSharedKey(ctx, "audit-checkpoint", () =>
    generateKeyPairSync("ed25519").privateKey.export({ format: "der", type: "pkcs8" }),
  );
  const privateKey = createPrivateKey({ key, format: "der", type: "pkcs8" });
  return { id, privateKey, publicKey: createPublicKey(privateKey) };
}

type Unsigned = Pick<CheckpointRow, "position" | "hash" | "at">;

export function signCheckpoint(key: CheckpointKey, clusterId: string, c: Unsigned): CheckpointRow {
  return { ...c, keyId: key.id, signature: sign(null, textOf(clusterId, c), key.privateKey) };
}

export function isSignedBy(publicKey: KeyObject, clusterId: string, c: Unsigned & { signature: Buffer }): boolean {
  return verify(null, textOf(clusterId, c), publicKey, c.signature);
}

/** For retention: the same statement in other words, so that no checkpoint can stand in for an anchor. */
export function signAnchor(key: CheckpointKey, clusterId: string, c: Unsigned): CheckpointRow {
  return { ...c, keyId: key.id, signature: sign(null, anchorTextOf(clusterId, c), key.privateKey) };
}

export function isAnchorOf(publicKey: KeyObject, clusterId: string, c: Unsigned & { signature: Buffer }): boolean {
  return verify(null, anchorTextOf(clusterId, c), publicKey, c.signature);
}

/** Without it, an export could be cut behind any checkpoint, and rewritten where it has none. */
export function signExportEnd(key: CheckpointKey, clusterId: string, end: ExportEnd) {
  return { ...end, keyId: key.id, signature: sign(null, exportEndText(clusterId, end), key.privateKey) };
}

export function isExportEndOf(
  publicKey: KeyObject,
  clusterId: string,
  end: ExportEnd & { signature: string },
): boolean {
  return verify(null, exportEndText(clusterId, end), publicKey, Buffer.from(end.signature, "base64"));
}

const anchorTextOf = (clusterId: string, { position, hash, at }: Unsigned) =>
  anchorText(clusterId, position, hash.toString("hex"), at);
const textOf = (clusterId: string, { position, hash, at }: Unsigned) =>
  checkpointText(clusterId, position, hash.toString("hex"), at);
