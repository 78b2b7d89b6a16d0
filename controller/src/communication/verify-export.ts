// Checks an export of the audit log without a controller or database: `npm run audit-verify -- FILE`. The file brings the
// public key with it, so compare what is printed of it with what the console of a trusted controller says.
import { createPublicKey, type KeyObject } from "node:crypto";
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { type AuditEntry, type AuditVerification, auditEntry } from "@opsconductor/contract/api/audit";
import { z } from "zod";
import type { ChainLink, CheckpointRow } from "./audit-chain-queries.ts";
import { chainStart } from "./chain-audit.ts";
import { recordOf } from "./present-audit.ts";
import { verifyChain } from "./verify-audit.ts";

const hex = z.string().regex(/^[0-9a-f]{64}$/);
const exportLine = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("head"),
    format: z.literal("opsconductor-audit-v1"),
    clusterId: z.string(),
    publicKeys: z.array(z.object({ id: z.string(), spki: z.base64() })),
  }),
  z.object({
    kind: z.literal("row"),
    entry: auditEntry.extend({ position: z.number().int(), hash: hex }),
  }),
  z.object({ kind: z.literal("deleted"), position: z.number().int(), auditId: z.string(), hash: hex }),
  z.object({
    kind: z.literal("checkpoint"),
    position: z.number().int(),
    hash: hex,
    at: z.string(),
    keyId: z.string(),
    signature: z.base64(),
  }),
  z.object({ kind: z.literal("end"), rows: z.number().int(), checkpoints: z.number().int() }),
]);
type ExportLine = z.infer<typeof exportLine>;

/** Not an export of ours, or cut in the middle of a line. */
export class NotAnExport extends Error {
  override readonly name = "NotAnExport";
}

export async function verifyExport(path: string): Promise<AuditVerification> {
  const head = await headOf(path);
  await demandEnd(path);
  const publicKeys = new Map<string, KeyObject>(head.publicKeys.map(({ id, spki }) => [id, publicKeyOf(spki)]));
  return verifyChain({
    clusterId: head.clusterId,
    start: chainStart(head.clusterId),
    links: linksOf(path),
    checkpoints: await checkpointsOf(path),
    publicKeys,
  });
}

function publicKeyOf(spki: string): KeyObject {
  return createPublicKey({ key: Buffer.from(spki, "base64"), format: "der", type: "spki" });
}

async function* linesOf(path: string): AsyncGenerator<ExportLine> {
  let number = 0;
  for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    number++;
    if (text !== "") yield parseLine(text, number);
  }
}

function parseLine(text: string, number: number): ExportLine {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new NotAnExport(`Line ${number} is not JSON: the file is cut, or no export of the audit log`, { cause });
  }
  const parsed = exportLine.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new NotAnExport(`Line ${number} is not one of an export of the audit log (format opsconductor-audit-v1)`);
}

async function headOf(path: string): Promise<ExportLine & { kind: "head" }> {
  for await (const line of linesOf(path)) if (line.kind === "head") return line;
  throw new NotAnExport("The file has no head line: it is cut, or no export of the audit log");
}

/** Without it nobody could tell a file that was cut at the end of a line. */
async function demandEnd(path: string): Promise<void> {
  let last: ExportLine | undefined;
  for await (const line of linesOf(path)) last = line;
  if (last?.kind !== "end") throw new NotAnExport("The file has no end line: it is cut");
}

async function* linksOf(path: string): AsyncGenerator<ChainItem> {
  for await (const line of linesOf(path)) if (line.kind === "row" || line.kind === "deleted") yield linkOf(line);
}

type ChainItem = ChainLink & { auditId: string; record: ReturnType<typeof recordOf> | undefined };

function linkOf(line: ExportLine & { kind: "row" | "deleted" }): ChainItem {
  if (line.kind === "deleted") {
    const { position, auditId, hash } = line;
    return { position: BigInt(position), auditId, hash: Buffer.from(hash, "hex"), record: undefined };
  }
  const { position, hash, id } = line.entry;
  const record = recordOf(line.entry as AuditEntry);
  return { position: BigInt(position), auditId: id, hash: Buffer.from(hash, "hex"), record };
}

async function checkpointsOf(path: string): Promise<CheckpointRow[]> {
  const found: CheckpointRow[] = [];
  for await (const line of linesOf(path)) {
    if (line.kind !== "checkpoint") continue;
    const { position, hash, at, keyId, signature } = line;
    const bytes = { hash: Buffer.from(hash, "hex"), signature: Buffer.from(signature, "base64") };
    found.push({ position: BigInt(position), at, keyId, ...bytes });
  }
  return found;
}
