// How a piece of output is kept in a row: as it is, or as zstd where that is clearly smaller. Lines of a service's log
// shrink to a seventh, and with them the write-ahead log. Called by append-output.ts and output-rows.ts.
//
// Measured on two shared cores, level 1: 64 KiB at once on this thread 560 MB/s at 1.9 ms of CPU a megabyte, through the
// thread pool 470 MB/s at 4.0 ms; 256 KiB through the pool 750 MB/s at 2.6 ms. So small pieces are done here and now.
import { promisify } from "node:util";
import { constants, zstdCompress, zstdCompressSync, zstdDecompressSync } from "node:zlib";

const compress = promisify(zstdCompress);
const options = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** Below this a row fits its page anyway. */
const minBytes = 2048;
const syncBytes = 64 * 1024;
const encodings = { raw: 0, zstd: 1 } as const;

export interface Encoded {
  encoding: number;
  data: Buffer;
}

export async function encodeOutput(bytes: Buffer): Promise<Encoded> {
  if (bytes.length < minBytes) return { encoding: encodings.raw, data: bytes };
  const data = bytes.length <= syncBytes ? zstdCompressSync(bytes, options) : await compress(bytes, options);
  return data.length < bytes.length * 0.9
    ? { encoding: encodings.zstd, data }
    : { encoding: encodings.raw, data: bytes };
}

export function decodeOutput({ encoding, data }: Encoded): Buffer {
  if (encoding === encodings.raw) return data;
  if (encoding === encodings.zstd) return zstdDecompressSync(data);
  throw new Error(`output is stored with encoding ${encoding}, which this version does not know`);
}
