// What a step of the fault tests prints, made again from its seed: ledger-step.pl prints the same. The checker compares
// stored output with this, so that it believes neither the product nor the step. Pure.
import { createHash } from "node:crypto";

/** `binary` holds NUL, invalid UTF-8 and every other byte; `crlf` and `text` are lines. */
export const outputKinds = ["binary", "crlf", "text"] as const;
export type OutputKind = (typeof outputKinds)[number];

export function generateOutput(seed: string, kind: OutputKind, bytes: number): Buffer {
  const blocks: Buffer[] = [];
  for (let index = 0, have = 0; have < bytes; index++) {
    const block = format(kind, index, createHash("sha512").update(`${seed}/${index}`).digest());
    blocks.push(block);
    have += block.length;
  }
  return Buffer.concat(blocks).subarray(0, bytes);
}

function format(kind: OutputKind, index: number, digest: Buffer): Buffer {
  if (kind === "binary") return digest;
  return Buffer.from(kind === "crlf" ? `${digest.toString("hex")}\r\n` : `line ${index} ${digest.toString("hex")}\n`);
}

/** The stream of one try of one step on one target. */
export function outputSeed(of: { seed: string; stepId: string; target: string; try: number }): string {
  return `${of.seed}/${of.stepId}/${of.target}/${of.try}`;
}
