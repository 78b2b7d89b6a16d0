// Checks an export of the audit log without a controller or database, in one pass: `npm run audit-verify -- FILE`. The file
// brings the public key with it, so compare what is printed of it with what the console of a trusted controller says.
import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import {
  type AuditEntry,
  type AuditProblem,
  type AuditVerification,
  auditEntry,
} from "@opsconductor/contract/api/audit";
import { z } from "zod";
import type { CheckpointRow } from "./audit-chain-queries.ts";
import { isExportEndOf } from "./checkpoints.ts";
import { fileLines, isNotUtf8 } from "./file-lines.ts";
import { recordOf } from "./present-audit.ts";
import { ChainVerifier, type VerifiedLink } from "./verify-audit.ts";
import type { WitnessCheckpoint } from "./witnesses.ts";

const hex = z.string().regex(/^[0-9a-f]{64}$/);
/** Its last letter may hold bits that nobody decodes: those too are as they were written. */
const base64 = z.base64().refine((text) => Buffer.from(text, "base64").toString("base64") === text);
const signed = z.object({
  position: z.number().int(),
  hash: hex,
  at: z.string(),
  keyId: z.string(),
  signature: base64,
});
const exportLine = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("head"),
    format: z.literal("opsconductor-audit-v1"),
    clusterId: z.string(),
    publicKeys: z.array(z.object({ id: z.string(), spki: base64 })),
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
  signed.extend({ kind: z.literal("end"), rows: z.number().int(), checkpoints: z.number().int(), sha256: hex }),
]);
type ExportLine = z.infer<typeof exportLine>;
type Head = ExportLine & { kind: "head" };
type End = ExportLine & { kind: "end" };

const maxProblems = 100;

/** Not an export of ours, or cut. */
export class NotAnExport extends Error {
  override readonly name = "NotAnExport";
}

export async function verifyExport(
  path: string,
  witnesses: readonly WitnessCheckpoint[] = [],
): Promise<AuditVerification> {
  let verifier: ChainVerifier | undefined;
  let head: Head | undefined;
  let end: End | undefined;
  const order = new LineOrder();
  const problems: AuditProblem[] = [];
  let sha256 = "";
  for await (const { line, number, isExact, before } of linesOf(path)) {
    if (end) throw new NotAnExport("There is more after the end line: it is no export as it was written");
    if (!isExact) problems.push(notAsWritten(line, number));
    problems.push(...order.take(line, number));
    if (line.kind === "head") {
      if (head) throw new NotAnExport(`Line ${number} is another head line: it is no export as it was written`);
      head = line;
      verifier = verifierOf(line, witnesses);
    } else if (!verifier) throw new NotAnExport("The file does not begin with a head line: it is cut, or no export");
    else if (line.kind === "end") [end, sha256] = [line, before()];
    else if (line.kind === "checkpoint") verifier.checkpoint(rowOf(line));
    else verifier.link(linkOf(line));
  }
  if (!verifier || !head) throw new NotAnExport("The file has no head line: it is cut, or no export of the audit log");
  // Without it nobody could tell a file that was cut at the end of a line.
  if (!end) throw new NotAnExport("The file has no end line: it is cut");
  const result = verifier.end();
  if (result.ok && problems.length === 0) {
    const { rows, checkpoints } = order;
    const last = { position: result.lastPosition, hash: result.lastHash };
    problems.push(...endProblems(head, end, { rows, checkpoints, ...last, sha256 }));
  }
  const all = [...result.problems, ...problems].slice(0, maxProblems);
  return { ...result, ok: all.length === 0, problems: all };
}

/** Each checkpoint stands once, in the order of positions, and before the row that it is of. */
class LineOrder {
  rows = 0;
  checkpoints = 0;
  #last = 0;
  /** Where the checkpoints before the next row stand. */
  #waiting: { position: number; number: number }[] = [];

  take(line: ExportLine, number: number): AuditProblem[] {
    if (line.kind === "checkpoint") return this.#checkpoint(line.position, number);
    if (line.kind !== "row" && line.kind !== "deleted") return [];
    this.rows++;
    const row = line.kind === "row" ? line.entry.position : line.position;
    return this.#waiting
      .splice(0)
      .filter(({ position }) => position > row)
      .map(({ position, number }) => misplaced(position, number, `before row ${row}`));
  }

  #checkpoint(position: number, number: number): AuditProblem[] {
    const last = this.#last;
    this.checkpoints++;
    this.#last = position;
    this.#waiting.push({ position, number });
    return position > last ? [] : [misplaced(position, number, `after the checkpoint of position ${last}`)];
  }
}

function misplaced(position: number, number: number, where: string): AuditProblem {
  const message = `The checkpoint of position ${position} stands ${where} (line ${number}): lines were exchanged or repeated`;
  return { position, kind: "checkpoint", message };
}

/** A second key of the same name, a field of somebody's own: some readers see it, and no hash covers it. */
function notAsWritten(line: ExportLine, number: number): AuditProblem {
  const position = line.kind === "row" ? line.entry.position : "position" in line ? line.position : 0;
  const message = `Line ${number} is not as it was written: something was added, stands twice, or is written otherwise`;
  return { position, kind: "altered", message };
}

/** The chain of what is there is right, but the file had more, or another end. */
function endProblems(
  head: Head,
  end: End,
  told: Pick<End, "rows" | "checkpoints" | "position" | "hash" | "sha256">,
): AuditProblem[] {
  const problem = (message: string): AuditProblem[] => [{ position: told.position, kind: "truncated", message }];
  const key = head.publicKeys.find(({ id }) => id === end.keyId);
  if (!key || !isExportEndOf(publicKeyOf(key.spki), head.clusterId, end))
    return problem("The signature of the end line is not valid: the file was cut, or written again");
  if (end.rows !== told.rows || end.checkpoints !== told.checkpoints) {
    const had = `${end.rows} rows and ${end.checkpoints} checkpoints`;
    return problem(`The file was written with ${had}, and has ${told.rows} and ${told.checkpoints}`);
  }
  if (end.position !== told.position || end.hash !== told.hash)
    return problem(`The file was written up to position ${end.position} with hash ${end.hash}`);
  if (end.sha256 === told.sha256) return [];
  const message =
    "The lines are not those that were written: one was altered or exchanged that is no row, or one was added";
  return [{ position: 0, kind: "altered", message }];
}

function verifierOf({ clusterId, publicKeys, anchor }: Head, witnesses: readonly WitnessCheckpoint[]): ChainVerifier {
  const keys = new Map<string, KeyObject>(publicKeys.map(({ id, spki }) => [id, publicKeyOf(spki)]));
  return new ChainVerifier({ clusterId, anchor: anchor ? rowOf(anchor) : undefined, publicKeys: keys, witnesses });
}

function publicKeyOf(spki: string): KeyObject {
  try {
    return createPublicKey({ key: Buffer.from(spki, "base64"), format: "der", type: "spki" });
  } catch (cause) {
    throw new NotAnExport("The head line names a public key that is none: it was damaged, or is no export", { cause });
  }
}

interface ReadLine {
  line: ExportLine;
  number: number;
  /** The text says what was read, and nothing else. */
  isExact: boolean;
  /** The sha256 of all lines before it. */
  before: () => string;
}

async function* linesOf(path: string): AsyncGenerator<ReadLine> {
  const read = createHash("sha256");
  let number = 0;
  try {
    for await (const text of fileLines(path)) {
      number++;
      if (text !== "") yield { ...parseLine(text, number), number, before: () => read.copy().digest("hex") };
      read.update(`${text}\n`);
    }
  } catch (cause) {
    if (!isNotUtf8(cause)) throw cause;
    throw new NotAnExport(`The file is not UTF-8 after line ${number}: it was damaged, or is no export`, { cause });
  }
}

function parseLine(text: string, number: number): Pick<ReadLine, "line" | "isExact"> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new NotAnExport(`Line ${number} is not JSON: the file is cut, or no export of the audit log`, { cause });
  }
  const parsed = exportLine.safeParse(value);
  if (!parsed.success)
    throw new NotAnExport(`Line ${number} is not one of an export of the audit log (format opsconductor-audit-v1)`);
  const line = parsed.data;
  // What is read has no keys that are unknown: where it is as long as the text, there were none.
  return { line, isExact: JSON.stringify(value) === text && JSON.stringify(line).length === text.length };
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
