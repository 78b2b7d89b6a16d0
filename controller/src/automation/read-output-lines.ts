// Lines [from, from + limit) of one try's output. Called by GET executions/{id}/output.
import type { outputLines, outputQuery } from "@opsconductor/contract/api/executions";
import type { z } from "zod";
import type { Actor, Context, Query } from "../context.ts";
import { auditOutputRead, findOutput } from "./find-output.ts";
import { findRowOfLine, type OutputStream } from "./output-queries.ts";
import { readOutputRows } from "./output-rows.ts";
import { LineCollector } from "./split-lines.ts";

/** A page ends early beyond this, with at least one line; the reader goes on after the last line it got. */
const maxPageBytes = 4 * 1024 * 1024;
/** Looked at for one page: lines longer than a row are cut anyway. */
const maxScannedBytes = 32 * 1024 * 1024;

type OutputLines = z.infer<typeof outputLines>;

export async function readOutputLines(
  ctx: Context,
  actor: Actor,
  params: z.infer<typeof outputQuery> & { execution: string },
): Promise<OutputLines> {
  const found = await findOutput(ctx, actor, params);
  await auditOutputRead(ctx, actor, found);
  const { row, stream, complete } = found;
  const storedBytes = row?.storedBytes ?? 0n;
  const open = await endsOpen(ctx.sql, stream, storedBytes);
  const totalLines = Number(row?.storedLines ?? 0n) + (open ? 1 : 0);
  const from = startOf(params.from ?? 0, totalLines);
  const page = await collectLines(ctx.sql, stream, from, params.limit, storedBytes, complete);
  const gaps = await Promise.all(
    (row?.gaps ?? []).map(async (gap) => ({ ...gap, line: await lineOfOffset(ctx.sql, stream, BigInt(gap.offset)) })),
  );
  return {
    ...{ from, lines: page.lines, totalLines, storedBytes: Number(storedBytes), complete, gaps },
    lastLineOpen: open,
    try: stream.try,
    attempt: stream.attempt,
  };
}

/** Negative counts from the end; beyond the end there is nothing. */
function startOf(from: number, totalLines: number): number {
  return from < 0 ? Math.max(0, totalLines + from) : from;
}

async function endsOpen(q: Query, stream: OutputStream, storedBytes: bigint): Promise<boolean> {
  if (storedBytes === 0n) return false;
  for await (const row of readOutputRows(q, stream, storedBytes - 1n)) return row.bytes.at(-1) !== 10;
  return false;
}

async function collectLines(
  q: Query,
  stream: OutputStream,
  from: number,
  limit: number,
  storedBytes: bigint,
  complete: boolean,
): Promise<LineCollector> {
  const start = await findRowOfLine(q, stream, BigInt(from));
  let page: LineCollector | undefined;
  let scanned = 0;
  for await (const row of readOutputRows(q, stream, start)) {
    // Rows committed after the totals were read belong to the next page.
    if (row.byteOffset >= storedBytes) break;
    page ??= new LineCollector(BigInt(from) - row.firstLine, limit);
    page.push(row.bytes);
    scanned += row.byteLength;
    if (page.isFull || page.bytes >= maxPageBytes) return page;
    if (scanned >= maxScannedBytes) break;
  }
  page ??= new LineCollector(0n, limit);
  page.end(complete);
  return page;
}

/** Which line the byte at `offset` stands in. */
async function lineOfOffset(q: Query, stream: OutputStream, offset: bigint): Promise<number> {
  for await (const row of readOutputRows(q, stream, offset > 0n ? offset - 1n : 0n)) {
    let line = Number(row.firstLine);
    const stop = Math.min(Number(offset - row.byteOffset), row.byteLength);
    for (let i = 0; i < stop; i++) if (row.bytes[i] === 10) line++;
    return line;
  }
  return 0;
}
