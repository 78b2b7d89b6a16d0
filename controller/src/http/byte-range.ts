// One range of bytes as in RFC 9110, section 14.2. Pure; used by downloads.

export interface ByteRange {
  /** The bytes [from, to). */
  from: bigint;
  to: bigint;
}

/**
 * Undefined: answer with everything (no header, several ranges, or one that is not understood). "unsatisfiable": 416.
 */
export function parseByteRange(header: string | undefined, total: bigint): ByteRange | "unsatisfiable" | undefined {
  const match = /^bytes=(\d{0,30})-(\d{0,30})$/i.exec(header?.trim() ?? "");
  if (!match || (match[1] === "" && match[2] === "")) return undefined;
  const [first, last] = [match[1]!, match[2]!];
  if (first === "") {
    const length = BigInt(last);
    if (length === 0n || total === 0n) return "unsatisfiable";
    return { from: length >= total ? 0n : total - length, to: total };
  }
  const from = BigInt(first);
  const to = last === "" ? total : BigInt(last) + 1n;
  if (last !== "" && to <= from) return undefined;
  if (from >= total) return "unsatisfiable";
  return { from, to: to > total ? total : to };
}
