// How a piece of output is kept in a row: as it is, or as zstd where that is clearly smaller. Text of services shrinks to
// a tenth, and with it the write-ahead log, which is what bounds a firehose. Pure apart from the thread pool.
import { promisify } from "node:util";
import { constants, zstdCompress, zstdDecompress } from "node:zlib";

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** Below this a row fits its page anyway. */
const minBytes = 2048;
const encodings = { raw: 0, zstd: 1 } as const;

export interface Encoded {
  encoding: number;
  data: Buffer;
}

export async function encodeOutput(bytes: Buffer): Promise<Encoded> {
  if (bytes.length < minBytes) return { encoding: encodings.raw, data: bytes };
  const data = await compress(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
  return data.length < bytes.length * 0.9
    ? { encoding: encodings.zstd, data }
    : { encoding: encodings.raw, data: bytes };
}

export async function decodeOutput({ encoding, data }: Encoded): Promise<Buffer> {
  if (encoding === encodings.raw) return data;
  if (encoding === encodings.zstd) return await decompress(data);
  throw new Error(`output is stored with encoding ${encoding}, which this version does not know`);
}
