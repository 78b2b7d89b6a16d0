// The cursor of keyset pages: the sort key of the last row, opaque to callers. Called by list verbs.
import { OcError } from "@opsconductor/contract/errors";

export function encodeCursor(key: readonly string[]): string {
  return Buffer.from(JSON.stringify(key)).toString("base64url");
}

/** The key with `length` parts, or invalid_argument. Each part may be any text: pass it as a parameter only. */
export function decodeCursor(cursor: string, length: number): string[] {
  const key = parse(Buffer.from(cursor, "base64url").toString());
  const valid = Array.isArray(key) && key.length === length && key.every((part) => isText(part));
  if (!valid) throw new OcError("invalid_argument", "The cursor is not one of ours: start from the first page.");
  return key as string[];
}

const isText = (part: unknown) => typeof part === "string" && !part.includes("\0") && part.isWellFormed();

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // answered by the caller like any other key that is not ours
  }
}
