// One try's output as a file, whole or a range of it: the stored bytes, with a line where a cap left some out, or
// without. Called by GET executions/{id}/output.txt and, with a ticket instead of a token, by GET downloads/{ticket}.
import type { Actor, Context, Query } from "../context.ts";
import type { TryRow } from "./attempt.ts";
import { auditOutputRead, findOutput, type OutputParams } from "./find-output.ts";
import { cutParts, type FilePart, markGaps, type OutputGap, partBytes } from "./mark-gaps.ts";
import type { OutputStream } from "./output-queries.ts";
import { readOutputRows, readStoredOutput } from "./output-rows.ts";

export type OutputFileParams = OutputParams & { raw?: "0" | "1" };

export interface OutputFile {
  fileName: string;
  /** Of this file: with its marks. */
  totalBytes: bigint;
  /** The output itself, whatever stands in the file beside it. */
  output: OutputFacts;
  /** Names these exact bytes; undefined while more may come. */
  tag: string | undefined;
  /** The bytes [from, to) of the file. */
  read(from: bigint, to: bigint): ReadableStream<Uint8Array>;
}

export interface OutputFacts {
  storedBytes: bigint;
  gaps: readonly OutputGap[];
  /** What the agent said of all of it, when the try had ended. */
  sha256: Uint8Array | null;
  /** Whether that is the sha256 of what is stored; null until all of it is. */
  verified: boolean | null;
  /** Nothing more will come. */
  complete: boolean;
}

export async function readOutputFile(ctx: Context, actor: Actor, params: OutputFileParams): Promise<OutputFile> {
  const found = await findOutput(ctx, actor, params);
  await auditOutputRead(ctx, actor, found);
  const { execution, assignment, stream, row, complete } = found;
  const fileName = outputFileName(execution.jobName, execution.number, assignment.targetName, stream);
  return await openOutput(ctx, stream, { fileName, raw: params.raw === "1", output: outputFacts(row, complete) });
}

export function outputFileName(job: string, number: bigint, target: string, { stepId, try: n }: OutputStream): string {
  const name = `${job}-${number}-${target}-${stepId}${n > 1 ? `-try${n}` : ""}`;
  return `${name.replaceAll(/[^A-Za-z0-9._-]/g, "_")}.txt`;
}

export function outputFacts(row: TryRow | undefined, complete: boolean): OutputFacts {
  const { storedBytes = 0n, gaps = [], outputSha256: sha256 = null, outputVerified: verified = null } = row ?? {};
  return { storedBytes, gaps, sha256, verified, complete };
}

export async function openOutput(
  ctx: Pick<Context, "sql">,
  stream: OutputStream,
  { fileName, raw, output }: { fileName: string; raw: boolean; output: OutputFacts },
): Promise<OutputFile> {
  const parts = await partsOf(ctx.sql, stream, output, raw);
  const totalBytes = parts.reduce((sum, part) => sum + partBytes(part), 0n);
  const hash = output.complete && output.verified && Buffer.from(output.sha256!).toString("hex");
  return {
    ...{ fileName, totalBytes, output },
    tag: hash ? `${hash}${totalBytes > output.storedBytes ? "-marked" : ""}` : undefined,
    read: (from, to) => ReadableStream.from(readParts(ctx.sql, stream, cutParts(parts, from, to))),
  };
}

async function partsOf(q: Query, stream: OutputStream, output: OutputFacts, raw: boolean): Promise<FilePart[]> {
  const gaps = raw ? [] : output.gaps;
  const lineEnds = new Set<bigint>();
  for (const { offset } of gaps) if (await endsLine(q, stream, BigInt(offset))) lineEnds.add(BigInt(offset));
  return markGaps(output.storedBytes, gaps, (offset) => lineEnds.has(offset));
}

async function endsLine(q: Query, stream: OutputStream, offset: bigint): Promise<boolean> {
  if (offset === 0n) return true;
  for await (const row of readOutputRows(q, stream, offset - 1n))
    return row.bytes[Number(offset - 1n - row.byteOffset)] === 10;
  return false;
}

async function* readParts(q: Query, stream: OutputStream, parts: readonly FilePart[]): AsyncGenerator<Uint8Array> {
  for (const part of parts)
    if (part.kind === "mark") yield part.bytes;
    else yield* readStoredOutput(q, stream, part.from, part.to);
}
