// Checks an export of the audit log without a controller or database, in one pass: `npm run audit-verify -- FILE`. The file
// brings the public key with it, so compare what is printed of it with what the console of a trusted controller says.
import { createPublicKey, type KeyObject } from "node:crypto";
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { type AuditEntry, type AuditVerification, auditEntry } from "@opsconductor/contract/api/audit";
import { z } from "zod";
import type { CheckpointRow } from "./audit-chain-queries.ts";
import { recordOf } from "./present-audit.ts";
import { ChainVerifier, type VerifiedLink } from "./verify-audit.ts";
import type { WitnessCheckpoint } from "./witnesses.ts";

const hex = z.string().regex(/^[0-9a-f]{64}$/);
const signed = z.object({
  position: z.number().int(),
  hash: hex,
  at: z.string(),
  keyId: z.string(),
  signature: z.base64(),
});
const exportLine = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("head"),
    format: z.literal("opsconductor-audit-v1"),
    clusterId: z.string(),
    publicKeys: z.array(z.object({ id: z.string(), spki: z.base64() })),
    anchor: signed.nullable(),
  }),
  z.object({
    kind: z.literal("row"),
    // As wide as what somebody may have made of the row: that it was altered is the chain's word.
    entry: auditEntry.extend({
      ...{ id: z.string(), at: z.string(), outcome: z.string(), before: z.unknown(), after: z.unknown() },
      actor: z.object({ kind: z.string(), id: z.string().nullable(), name: z.string() }),
      ...{ detail: z.unknown(), position: z.number().int(), hash: hex },
    }),
  }),
  z.object({ kind: z.literal("deleted"), position: z.number().int(), auditId: z.string(), hash: hex }),
  signed.extend({ kind: z.literal("checkpoint") }),
  z.object({ kind: z.literal("end"), rows: z.number().int(), checkpoints: z.number().int() }),
]);
type ExportLine = z.infer<typeof exportLine>;
type Head = ExportLine & { kind: "head" };

/** Not an export of ours, or cut. */
export class NotAnExport extends Error {
  override readonly name = "NotAnExport";
}

export async function verifyExport(
  path: string,
  witnesses: readonly WitnessCheckpoint[] = [],
): Promise<AuditVerification> {
  let verifier: ChainVerifier | undefined;
  const told = { rows: 0, checkpoints: 0 };
  let end: (ExportLine & { kind: "end" }) | undefined;
  for await (const line of linesOf(path)) {
    if (end) throw new NotAnExport("There is more after the end line: it is no export as it was written");
    if (line.kind === "head") verifier ??= verifierOf(line, witnesses);
    else if (!verifier) throw new NotAnExport("The file does not begin with a head line: it is cut, or no export");
    else if (line.kind === "end") end = line;
    else if (line.kind === "checkpoint") verifier.checkpoint(rowOf(line));
    else verifier.link(linkOf(line));
    if (line.kind === "checkpoint") told.checkpoints++;
    if (line.kind === "row" || line.kind === "deleted") told.rows++;
  }
  if (!verifier) throw new NotAnExport("The file has no head line: it is cut, or no export of the audit log");
  // Without it nobody could tell a file that was cut at the end of a line.
  if (!end) throw new NotAnExport("The file has no end line: it is cut");
  const result = verifier.end();
  const isWhole = end.rows === told.rows && end.checkpoints === told.checkpoints;
  return isWhole || !result.ok ? result : withMissingLines(result, end, told);
}

/** The chain of what is there is right, but the file had more. */
function withMissingLines(
  result: AuditVerification,
  end: { rows: number; checkpoints: number },
  told: { rows: number; checkpoints: number },
): AuditVerification {
  const had = `${end.rows} rows and ${end.checkpoints} checkpoints`;
  const message = `The file was written with ${had}, and has ${told.rows} and ${told.checkpoints}`;
  return { ...result, ok: false, problems: [{ position: result.lastPosition, kind: "truncated", message }] };
}

function verifierOf({ clusterId, publicKeys, anchor }: Head, witnesses: readonly WitnessCheckpoint[]): ChainVerifier {
  const keys = new Map<string, KeyObject>(publicKeys.map(({ id, spki }) => [id, publicKeyOf(spki)]));
  return new ChainVerifier({ clusterId, anchor: anchor ? rowOf(anchor) : undefined, publicKeys: keys, witnesses });
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

function linkOf(line: ExportLine & { kind: "row" | "deleted" }): VerifiedLink {
  if (line.kind === "deleted") {
    const { position, auditId, hash } = line;
    return { position: BigInt(position), auditId, hash: Buffer.from(hash, "hex"), record: undefined };
  }
  const { position, hash, id } = line.entry;
  const record = recordOf(line.entry as AuditEntry);
  return { position: BigInt(position), auditId: id, hash: Buffer.from(hash, "hex"), record };
}

function rowOf({ position, hash, at, keyId, signature }: z.infer<typeof signed>): CheckpointRow {
  const bytes = { hash: Buffer.from(hash, "hex"), signature: Buffer.from(signature, "base64") };
  return { position: BigInt(position), at, keyId, ...bytes };
}
