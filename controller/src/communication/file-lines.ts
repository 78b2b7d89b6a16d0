// The lines of a file between one line feed and the next: node:readline ends lines at U+2028 and U+2029 as well, which JSON
// may hold as they are. Called by verify-export.ts.
import { createReadStream } from "node:fs";

/**
 * Without the line feed, and without the carriage return that a copy by another system may have put before it. Throws what
 * isNotUtf8 knows: read leniently, other bytes would be taken for the replacement character that a text may have.
 */
export async function* fileLines(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const pieces: string[] = [];
  for await (const chunk of createReadStream(path)) {
    const parts = decoder.decode(chunk as Buffer, { stream: true }).split("\n");
    for (const part of parts.slice(0, -1)) {
      yield withoutReturn([...pieces.splice(0), part].join(""));
    }
    pieces.push(parts.at(-1)!);
  }
  const rest = [...pieces, decoder.decode()].join("");
  if (rest !== "") yield withoutReturn(rest);
}

const withoutReturn = (line: string) => (line.endsWith("\r") ? line.slice(0, -1) : line);

export function isNotUtf8(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ERR_ENCODING_INVALID_ENCODED_DATA";
}
