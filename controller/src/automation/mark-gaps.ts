// Where a cap left output out, a download says so in a line of its own: head and tail glued together would read as one
// text that was never printed. Pure; used by read-output-file.ts.

/** A piece of a download: bytes of the stored output, or a line of ours. */
export type FilePart = { kind: "stored"; from: bigint; to: bigint } | { kind: "mark"; bytes: Buffer };

export interface OutputGap {
  offset: number;
  omittedBytes: number;
}

/** The same words as in the console's log, with the exact number. */
export const gapMark = ({ omittedBytes }: OutputGap): string =>
  `✂ ${omittedBytes} bytes left out here: the output limit was reached\n`;

/** `endsLine`: whether the byte before an offset is a newline, so that the mark begins a line. */
export function markGaps(
  storedBytes: bigint,
  gaps: readonly OutputGap[],
  endsLine: (offset: bigint) => boolean,
): FilePart[] {
  const parts: FilePart[] = [];
  let from = 0n;
  for (const gap of [...gaps].sort((a, b) => a.offset - b.offset)) {
    const to = BigInt(gap.offset);
    if (to > storedBytes) break; // what stands before it has not arrived yet
    if (to > from) parts.push({ kind: "stored", from, to });
    parts.push({ kind: "mark", bytes: Buffer.from(`${endsLine(to) ? "" : "\n"}${gapMark(gap)}`) });
    from = to;
  }
  if (storedBytes > from) parts.push({ kind: "stored", from, to: storedBytes });
  return parts;
}

export const partBytes = (part: FilePart): bigint =>
  part.kind === "mark" ? BigInt(part.bytes.length) : part.to - part.from;

/** The pieces of the bytes [from, to) of the whole file. */
export function cutParts(parts: readonly FilePart[], from: bigint, to: bigint): FilePart[] {
  const cut: FilePart[] = [];
  let start = 0n;
  for (const part of parts) {
    const length = partBytes(part);
    const [first, last] = [from > start ? from - start : 0n, to < start + length ? to - start : length];
    if (first < last)
      cut.push(
        part.kind === "mark"
          ? { kind: "mark", bytes: part.bytes.subarray(Number(first), Number(last)) }
          : { kind: "stored", from: part.from + first, to: part.from + last },
      );
    start += length;
  }
  return cut;
}
