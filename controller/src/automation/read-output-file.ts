// One try's output as the exact bytes, whole or a range of them. Called by GET executions/{id}/output.txt and, with a
// ticket instead of a token, by GET downloads/{ticket}.
import type { Actor, Context } from "../context.ts";
import { auditOutputRead, findOutput, type OutputParams } from "./find-output.ts";
import type { OutputStream } from "./output-queries.ts";
import { readStoredOutput } from "./output-rows.ts";

export interface OutputFile {
  fileName: string;
  totalBytes: bigint;
  /** The bytes [from, to). */
  read(from: bigint, to: bigint): ReadableStream<Uint8Array>;
}

export async function readOutputFile(ctx: Context, actor: Actor, params: OutputParams): Promise<OutputFile> {
  const found = await findOutput(ctx, actor, params);
  await auditOutputRead(ctx, actor, found);
  const { execution, assignment, stream, row } = found;
  const fileName = outputFileName(execution.jobName, execution.number, assignment.targetName, stream);
  return openOutput(ctx, stream, fileName, row?.storedBytes ?? 0n);
}

export function outputFileName(job: string, number: bigint, target: string, { stepId, try: n }: OutputStream): string {
  const name = `${job}-${number}-${target}-${stepId}${n > 1 ? `-try${n}` : ""}`;
  return `${name.replaceAll(/[^A-Za-z0-9._-]/g, "_")}.txt`;
}

export function openOutput(
  ctx: Pick<Context, "sql">,
  stream: OutputStream,
  fileName: string,
  totalBytes: bigint,
): OutputFile {
  return {
    fileName,
    totalBytes,
    read: (from, to) => ReadableStream.from(readStoredOutput(ctx.sql, stream, from, to)) as ReadableStream<Uint8Array>,
  };
}
