// The file in which an agent keeps checkpoints of the controller's audit log, and how people read it. Written by
// checkpoint-keeper.ts; `opsconductor-agent audit` prints it, and `npm run audit-verify -- --witness` takes it.
import type { AuditCheckpoint, AuditFork } from "@opsconductor/proto/opsconductor/agent/v1/agent";
import { readText } from "./durable-file.ts";

/** In the state folder. */
export const checkpointsFile = "audit-checkpoints.json";

export interface StoredCheckpoint {
  position: number;
  /** hex */
  hash: string;
  at: string;
  keyId: string;
  /** base64 */
  signature: string;
  /** base64 of SPKI DER */
  publicKey: string;
  generation: number;
}

export interface KeptFile {
  clusterId: string;
  /** In the order in which they were heard. */
  checkpoints: StoredCheckpoint[];
  fork?: { kind: string; noticedAt: string; kept: StoredCheckpoint; told: StoredCheckpoint };
}

export function storedCheckpoint(c: AuditCheckpoint): StoredCheckpoint {
  return {
    ...{ position: Number(c.position), hash: c.hash.toString("hex"), at: c.at, keyId: c.keyId },
    ...{ signature: c.signature.toString("base64"), publicKey: c.publicKey.toString("base64") },
    generation: c.generation,
  };
}

export function storedFork({ kind, kept, told, noticedAtMs }: AuditFork): NonNullable<KeptFile["fork"]> {
  const noticedAt = new Date(Number(noticedAtMs)).toISOString();
  return { kind, noticedAt, kept: storedCheckpoint(kept!), told: storedCheckpoint(told!) };
}

/** Undefined when nothing was ever kept. */
export function readKept(path: string): KeptFile | undefined {
  const text = readText(path);
  return text === undefined ? undefined : (JSON.parse(text) as KeptFile);
}

export function keptText({ checkpoints, fork }: KeptFile): string {
  const lines = checkpoints.map((c) => `${c.at}  generation ${c.generation}  position ${c.position}  ${c.hash}`);
  if (!fork) return `${lines.join("\n")}\n${lines.length} checkpoints; no two contradict each other.\n`;
  const { kind, noticedAt, kept, told } = fork;
  return `${lines.join("\n")}
FORK (${kind}) noticed at ${noticedAt}: kept position ${kept.position} ${kept.hash}, was told position ${told.position} ${told.hash}.
The controller's audit log was rewritten, or its database was replaced. Keep this output, and compare it with other hosts.
`;
}
