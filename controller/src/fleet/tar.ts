// Writes the POSIX ustar format (IEEE Std 1003.1, pax interchange, "ustar") for the agent's package: a few regular files
// with short names, owned by root, with fixed times so that the same content is the same archive.
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";

export interface TarEntry {
  /** At most 99 bytes, with `/` between folders. */
  name: string;
  mode: number;
  /** A file to copy, or the bytes themselves. */
  from: { path: string } | { bytes: Uint8Array };
}

const blockBytes = 512;

export async function* writeTar(entries: readonly TarEntry[], mtime: Date): AsyncGenerator<Uint8Array> {
  for (const entry of entries) {
    const { from } = entry;
    const size = "bytes" in from ? from.bytes.length : (await stat(from.path)).size;
    yield header(entry, size, mtime);
    if ("bytes" in from) yield from.bytes;
    else yield* createReadStream(from.path, { highWaterMark: 1024 * 1024 });
    yield Buffer.alloc((blockBytes - (size % blockBytes)) % blockBytes);
  }
  yield Buffer.alloc(2 * blockBytes);
}

function header({ name, mode }: TarEntry, size: number, mtime: Date): Buffer {
  if (Buffer.byteLength(name) > 99) throw new Error(`The name ${name} is too long for this archive`);
  const block = Buffer.alloc(blockBytes);
  const octal = (value: number, at: number, length: number) =>
    block.write(value.toString(8).padStart(length - 1, "0"), at, "ascii");
  block.write(name, 0);
  octal(mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(Math.floor(mtime.getTime() / 1000), 136, 12);
  block.write("        0", 148, "ascii"); // the checksum counts as spaces; type: regular file
  block.write("ustar\x0000root", 257, "latin1");
  block.write("root", 297, "ascii");
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}
