// Reads any part of a try's stream from its files, while it grows and after, until it is acknowledged and removed.
import { closeSync, existsSync, openSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { redactedName } from "./redacted-file.ts";

/** Ask only for what the spool has made available: throws when it is not all there. */
export function readStream(folder: string, from: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length); // filled, or thrown away
  const redacted = join(folder, redactedName);
  if (existsSync(redacted)) {
    fill(bytes, redacted, from);
    return bytes;
  }
  const head = join(folder, "head");
  const headSize = statSync(head).size;
  const inHead = Math.max(0, Math.min(length, headSize - from));
  if (inHead > 0) fill(bytes.subarray(0, inHead), head, from);
  if (inHead < length) fill(bytes.subarray(inHead), join(folder, "tail"), from + inHead - headSize);
  return bytes;
}

function fill(target: Buffer, path: string, position: number): void {
  const fd = openSync(path, "r");
  try {
    let done = 0;
    while (done < target.length) {
      const read = readSync(fd, target, done, target.length - done, position + done);
      if (read === 0) throw new Error(`${path} ends at ${position + done}, before what was counted.`);
      done += read;
    }
  } finally {
    closeSync(fd);
  }
}
