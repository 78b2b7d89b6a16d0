// Rows of output: appended by append-output.ts, read by offset or line for pages and downloads.
import type { Query } from "../context.ts";
import type { Fragment } from "../identity/visible-to.ts";
import { jsonb } from "../jsonb.ts";

/** One try's output. */
export interface OutputStream {
  assignmentId: string;
  attempt: number;
  stepId: string;
  try: number;
}

export interface NewOutputRow extends OutputStream {
  byteOffset: bigint;
  firstLine: bigint;
  byteLength: number;
  encoding: number;
  data: Buffer;
}

/** For a few small rows, beside other writes, at twice the bytes. copy-output.ts is for the rest. */
export function insertOutput(q: Query, rows: readonly NewOutputRow[]): Fragment {
  const plain = rows.map((r) => ({
    ...r,
    byteOffset: String(r.byteOffset),
    firstLine: String(r.firstLine),
    data: `\\x${r.data.toString("hex")}`,
  }));
  return q`
    insert into automation.output
      (assignment_id, attempt, step_id, try, byte_offset, first_line, byte_length, encoding, data)
    select "assignmentId", attempt, "stepId", try, "byteOffset", "firstLine", "byteLength", encoding, data
    from jsonb_to_recordset(${jsonb(q, plain)}) as r(
      "assignmentId" uuid, attempt integer, "stepId" text, try integer, "byteOffset" bigint, "firstLine" bigint,
      "byteLength" integer, encoding smallint, data bytea)`;
}

export interface StoredOutputRow {
  byteOffset: bigint;
  firstLine: bigint;
  byteLength: number;
  encoding: number;
  data: Buffer;
}

const columns = (q: Query) => q`byte_offset, first_line, byte_length, encoding, data`;
const ofStream = (q: Query, s: OutputStream) =>
  q`assignment_id = ${s.assignmentId} and attempt = ${s.attempt} and step_id = ${s.stepId} and try = ${s.try}`;

/** Rows from the one that holds `from`, in order, at most `limit`. */
export async function selectOutputFrom(
  q: Query,
  stream: OutputStream,
  from: bigint,
  limit: number,
): Promise<StoredOutputRow[]> {
  return await q<StoredOutputRow[]>`
    select ${columns(q)} from automation.output
    where ${ofStream(q, stream)} and byte_offset >= coalesce((
      select max(byte_offset) from automation.output where ${ofStream(q, stream)} and byte_offset <= ${from}), 0)
    order by byte_offset limit ${limit}`;
}

/** Offset of the row in which line `line` begins: the last one with fewer newlines before it. */
export async function findRowOfLine(q: Query, stream: OutputStream, line: bigint): Promise<bigint> {
  const [row] = await q<{ byteOffset: bigint }[]>`
    select byte_offset from automation.output
    where ${ofStream(q, stream)} and first_line < ${line} order by first_line desc, byte_offset desc limit 1`;
  return row?.byteOffset ?? 0n;
}
