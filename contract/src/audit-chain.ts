// What the audit log's chain is computed over, in one place for the controller that builds it and for whoever checks an
// export without any controller. Pure; hashing is the caller's.
//
//   hash of position n = sha256(hash of position n - 1, then each field of the row as: length in 4 bytes big endian, bytes)
//   hash of position 0 = sha256("opsconductor audit v1\0" and the cluster's id)
//   a field that is null has the length 0xffffffff and no bytes; JSON is canonical JSON; times have microseconds
import { canonicalJson } from "./job/inputs.ts";

/** One row of the log with every field that is hashed, in the order in which they are hashed. */
export interface AuditRecord {
  id: string;
  /** RFC 3339 in UTC with six digits, as the database has it. */
  at: string;
  actorKind: string;
  actorId: string | null;
  actorName: string;
  sessionId: string | null;
  requestId: string | null;
  address: string | null;
  action: string;
  objectKind: string | null;
  objectId: string | null;
  objectName: string | null;
  outcome: string;
  before: unknown;
  after: unknown;
  detail: unknown;
}

const encoder = new TextEncoder();

/** What position 0 is the sha256 of. */
export function auditSeed(clusterId: string): Uint8Array {
  return encoder.encode(`opsconductor audit v1\0${clusterId}`);
}

/** What is hashed after the hash of the position before. */
export function auditBytes(row: AuditRecord): Uint8Array {
  const fields = [row.id, row.at, row.actorKind, row.actorId, row.actorName, row.sessionId, row.requestId, row.address];
  const what = [row.action, row.objectKind, row.objectId, row.objectName, row.outcome];
  const values = [row.before, row.after, row.detail].map((value) => (value === null ? null : canonicalJson(value)));
  const parts = [...fields, ...what, ...values].map((field) => (field === null ? null : encoder.encode(field)));
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + 4 + (part?.length ?? 0), 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const part of parts) {
    view.setUint32(at, part?.length ?? 0xffffffff);
    if (part) bytes.set(part, at + 4);
    at += 4 + (part?.length ?? 0);
  }
  return bytes;
}

/** What an anchor's Ed25519 signature is over: everything up to this position was removed by the rules of retention. */
export function anchorText(clusterId: string, position: bigint, hashHex: string, at: string): Uint8Array {
  return encoder.encode(`opsconductor audit anchor v1\n${clusterId}\n${position}\n${hashHex}\n${at}\n`);
}

/** What a checkpoint's Ed25519 signature is over. */
export function checkpointText(clusterId: string, position: bigint, hashHex: string, at: string): Uint8Array {
  return encoder.encode(`opsconductor audit checkpoint v1\n${clusterId}\n${position}\n${hashHex}\n${at}\n`);
}

export interface ExportEnd {
  rows: number;
  checkpoints: number;
  /** Of the last row that was exported, and its hash in hex. */
  position: number;
  hash: string;
  at: string;
  /** Of all lines before the end, in hex, each with its line feed: also of what no hash and no other signature covers. */
  sha256: string;
}

/** What the Ed25519 signature at the end of an export is over: what was before, in its order, and that nothing came after. */
export function exportEndText(clusterId: string, end: ExportEnd): Uint8Array {
  const { rows, checkpoints, position, hash, at, sha256 } = end;
  const lines = ["opsconductor audit export v1", clusterId, rows, checkpoints, position, hash, at, sha256];
  return encoder.encode(`${lines.join("\n")}\n`);
}
