// The redacted stream of one try, kept beside the raw files when there is something to hide: what may have been sent
// must read the same for ever, also after a restart with other secrets. output-spool.ts writes it, read-stream.ts reads.
import { closeSync, constants, fstatSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Redactor } from "./redactor.ts";

/** Where it is, the stream is read from here; else from the raw files. */
export const redactedName = "sent";
const noBoundary = -1;

export class RedactedFile {
  readonly #redactor: Redactor;
  readonly #data: number;
  readonly #mark: number;
  #carry: Buffer = Buffer.alloc(0);
  /** Raw bytes that are behind `length` bytes of output. */
  rawOffset = 0;
  length = 0;
  #boundary = noBoundary;

  constructor(folder: string, redactor: Redactor) {
    this.#redactor = redactor;
    this.#data = openSync(join(folder, redactedName), "a+", 0o600);
    this.#mark = openSync(join(folder, "sent.at"), constants.O_RDWR | constants.O_CREAT, 0o600);
    const saved = readFileSync(this.#mark, "latin1").trim().split(/\s+/).map(Number);
    if (saved.length === 3) [this.rawOffset, this.length, this.#boundary] = saved as [number, number, number];
    // What was appended after the mark was never offered to anyone.
    if (fstatSync(this.#data).size > this.length) ftruncateSync(this.#data, this.length);
  }

  /** Where the head's part of the stream ends; undefined while it goes on. */
  get boundary(): number | undefined {
    return this.#boundary === noBoundary ? undefined : this.#boundary;
  }

  /** `raw` follows what was given before. Returns what it added to the stream. */
  append(raw: Buffer, last: boolean): Buffer {
    const bytes = this.#carry.length === 0 ? raw : Buffer.concat([this.#carry, raw]);
    const { output, consumed } = this.#redactor.redact(bytes, last);
    for (let written = 0; written < output.length; ) written += writeSync(this.#data, output, written);
    this.#carry = Buffer.from(bytes.subarray(consumed));
    this.rawOffset += consumed;
    this.length += output.length;
    this.#save();
    return output;
  }

  closeHead(): void {
    if (this.#boundary !== noBoundary) return;
    this.#boundary = this.length;
    this.#save();
  }

  close(): void {
    closeSync(this.#data);
    closeSync(this.#mark);
  }

  #save(): void {
    const line = [this.rawOffset, this.length, this.#boundary].map((n) => String(n).padStart(16)).join(" ");
    writeSync(this.#mark, `${line}\n`, 0, "latin1");
  }
}
