// Makes the stream of one try from the supervisor's raw files: follows the head as it grows, redacts, counts, hashes.
// Offsets, total and hash are over the redacted, capped stream. output-registry.ts keeps one per running try.
import { createHash, type Hash } from "node:crypto";
import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { readStream } from "./read-stream.ts";
import { RedactedFile } from "./redacted-file.ts";
import type { Redactor } from "./redactor.ts";

export interface OutputTotals {
  bytes: bigint;
  sha256: Uint8Array;
  gaps: { offset: bigint; omittedBytes: bigint }[];
  rawBytes: bigint;
}

/** What the supervisor's records say of the raw bytes. */
export interface WrittenBytes {
  /** In `head`. */
  headBytes: bigint;
  /** Raw bytes after the head: tail and gap. */
  restBytes: bigint;
  /** Most that `tail` keeps. Told when its writer may have been killed: a part of a tail is nowhere in the stream. */
  tailLimit?: number;
}

/** How much one call of `advance` reads, so that a firehose does not hold up everything else. */
const stepBytes = 256 * 1024;
/** Every use begins and ends between two awaits. */
const buffer = Buffer.allocUnsafe(stepBytes);

export class OutputSpool {
  readonly folder: string;
  readonly #redacted: RedactedFile | undefined;
  readonly #hash: Hash = createHash("sha256");
  readonly #files = new Map<"head" | "tail", number>();
  #rawRead = 0;
  #available = 0;

  /** Over files of an earlier life it goes on where that stood: what was sent before stays as it was sent. */
  constructor(folder: string, redactor: Redactor | undefined) {
    this.folder = folder;
    if (redactor === undefined) return;
    this.#redacted = new RedactedFile(folder, redactor);
    this.#rawRead = this.#redacted.rawOffset;
    this.#available = this.#redacted.length;
    for (let at = 0; at < this.#available; at += stepBytes)
      this.#hash.update(readStream(folder, at, Math.min(stepBytes, this.#available - at)));
  }

  /** Bytes of the stream that can be read now. */
  get available(): bigint {
    return BigInt(this.#available);
  }

  /** Takes in what the head has got. True: there is more, call again. */
  advance(): boolean {
    return this.#takeFrom("head", this.#rawRead);
  }

  /**
   * The supervisor is done: takes in the rest and the tail. A stream longer than `inlineLimit` stays in its files,
   * which are made durable; a shorter one the caller keeps in the journal. A tail of which nobody knows how far it is
   * from the head is left out: side by side the two would show as one what was not printed as one.
   */
  async finish(counted: WrittenBytes, inlineLimit: number): Promise<OutputTotals> {
    while (this.advance()) await new Promise(setImmediate);
    const headSize = this.#size("head");
    const tailSize = isPlaced(this.#size("tail"), counted) ? this.#size("tail") : 0;
    const there = BigInt(headSize + tailSize);
    const written = counted.headBytes + counted.restBytes;
    const rawBytes = written > there ? written : there;
    const omittedBytes = rawBytes - there;
    // A secret is not looked for across a gap.
    if (omittedBytes > 0n || tailSize === 0) this.#take(Buffer.alloc(0), true);
    this.#redacted?.closeHead();
    const gapOffset = this.#redacted?.boundary ?? headSize;
    if (tailSize > 0) while (this.#takeFrom("tail", this.#rawRead - headSize)) await new Promise(setImmediate);
    this.#take(Buffer.alloc(0), true);
    if (this.#available > inlineLimit) await this.#sync();
    return {
      bytes: BigInt(this.#available),
      sha256: this.#hash.copy().digest(),
      gaps: omittedBytes > 0n ? [{ offset: BigInt(gapOffset), omittedBytes }] : [],
      rawBytes,
    };
  }

  close(): void {
    for (const fd of this.#files.values()) closeSync(fd);
    this.#files.clear();
    this.#redacted?.close();
  }

  #takeFrom(name: "head" | "tail", position: number): boolean {
    const fd = this.#file(name);
    if (fd === undefined) return false;
    const length = readSync(fd, buffer, 0, stepBytes, position);
    if (length > 0) this.#take(buffer.subarray(0, length), false);
    return length === stepBytes;
  }

  #take(raw: Buffer, last: boolean): void {
    const output = this.#redacted === undefined ? raw : this.#redacted.append(raw, last);
    this.#hash.update(output);
    this.#rawRead += raw.length;
    this.#available += output.length;
  }

  #size(name: "head" | "tail"): number {
    const fd = this.#file(name);
    return fd === undefined ? 0 : fstatSync(fd).size;
  }

  /** Undefined until the supervisor has made it. */
  #file(name: "head" | "tail"): number | undefined {
    const path = join(this.folder, name);
    if (!this.#files.has(name) && existsSync(path)) this.#files.set(name, openSync(path, "r"));
    return this.#files.get(name);
  }

  async #sync(): Promise<void> {
    for (const name of ["head", "tail", "sent"]) {
      const path = join(this.folder, name);
      if (!existsSync(path)) continue;
      const file = await open(path, "r+");
      try {
        await file.datasync();
      } finally {
        await file.close();
      }
    }
  }
}

function isPlaced(tailSize: number, { restBytes, tailLimit }: WrittenBytes): boolean {
  return tailLimit === undefined ? BigInt(tailSize) <= restBytes : tailSize === Math.min(Number(restBytes), tailLimit);
}
