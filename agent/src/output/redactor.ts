// Takes secret values out of a step's output before anything else sees it. Streaming, and the same output for every
// chunking: a position is decided only when no longer match could still begin there. The output spool calls it.

export interface NamedSecret {
  name: string;
  /** Every spelling to be found. */
  needles: readonly Uint8Array[];
}

export interface Redactor {
  /**
   * Turns a prefix of `bytes` into output. Bytes that are not consumed must come again, with more behind them; with
   * `last` everything is consumed. There is no other state.
   */
  redact(bytes: Buffer, last: boolean): { output: Buffer; consumed: number };
}

interface Needle {
  bytes: Buffer;
  replacement: Buffer;
}

/** Undefined when there is nothing to hide: the raw bytes are the stream. */
export function createRedactor(secrets: readonly NamedSecret[]): Redactor | undefined {
  const needles = secrets.flatMap(({ name, needles }) =>
    needles.map((needle): Needle => ({ bytes: Buffer.from(needle), replacement: Buffer.from(`[REDACTED:${name}]`) })),
  );
  const usable = needles.filter((needle) => needle.bytes.length > 0);
  return usable.length === 0 ? undefined : new NeedleRedactor(usable);
}

class NeedleRedactor implements Redactor {
  /** By first byte, the longest first: the leftmost longest match wins. */
  readonly #byFirst: (Needle[] | undefined)[] = [];

  constructor(needles: Needle[]) {
    for (const needle of needles.toSorted((a, b) => b.bytes.length - a.bytes.length)) {
      const first = needle.bytes[0]!;
      this.#byFirst[first] ??= [];
      this.#byFirst[first].push(needle);
    }
  }

  redact(bytes: Buffer, last: boolean): { output: Buffer; consumed: number } {
    const parts: Buffer[] = [];
    let kept = 0;
    let at = 0;
    while (at < bytes.length) {
      const candidates = this.#byFirst[bytes[at]!];
      const found = candidates === undefined ? undefined : match(candidates, bytes, at, last);
      if (found === "undecided") break;
      if (found === undefined) {
        at += 1;
        continue;
      }
      parts.push(bytes.subarray(kept, at), found.replacement);
      at += found.bytes.length;
      kept = at;
    }
    parts.push(bytes.subarray(kept, at));
    return { output: parts.length === 1 ? parts[0]! : Buffer.concat(parts), consumed: at };
  }
}

function match(candidates: Needle[], bytes: Buffer, at: number, last: boolean): Needle | "undecided" | undefined {
  for (const needle of candidates) {
    const there = Math.min(needle.bytes.length, bytes.length - at);
    if (bytes.compare(needle.bytes, 0, there, at, at + there) !== 0) continue;
    if (there === needle.bytes.length) return needle;
    if (!last) return "undecided";
  }
  return undefined;
}
