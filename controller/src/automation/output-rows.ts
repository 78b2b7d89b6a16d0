// The stored output of one try as bytes: what downloads stream and hashes read. Rows come a few at a time, so that memory
// stays flat whatever the size.
import type { Query } from "../context.ts";
import { decodeOutput } from "./output-encoding.ts";
import { type OutputStream, type StoredOutputRow, selectOutputFrom } from "./output-queries.ts";

const rowsPerRead = 8;

/** Rows from the one that holds `from`, decoded. */
export async function* readOutputRows(
  q: Query,
  stream: OutputStream,
  from: bigint,
): AsyncGenerator<StoredOutputRow & { bytes: Buffer }> {
  let offset = from;
  for (;;) {
    const rows = await selectOutputFrom(q, stream, offset, rowsPerRead);
    for (const row of rows) {
      const end = row.byteOffset + BigInt(row.byteLength);
      if (end <= offset) return; // past the last byte, the last row is found again
      yield { ...row, bytes: decodeOutput(row) };
      offset = end;
    }
    if (rows.length < rowsPerRead) return;
  }
}

/** The bytes [from, to) of the stream. */
export async function* readStoredOutput(
  q: Query,
  stream: OutputStream,
  from: bigint,
  to: bigint,
): AsyncGenerator<Buffer> {
  if (from >= to) return;
  for await (const row of readOutputRows(q, stream, from)) {
    const end = row.byteOffset + BigInt(row.byteLength);
    if (row.byteOffset >= to) return;
    const start = row.byteOffset < from ? Number(from - row.byteOffset) : 0;
    const stop = end > to ? Number(to - row.byteOffset) : row.byteLength;
    if (stop > start) yield row.bytes.subarray(start, stop);
  }
}
