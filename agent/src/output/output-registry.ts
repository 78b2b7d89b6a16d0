// All output of this host that the controller has not acknowledged: of running tries and of finished ones, in files or
// in the journal. The host answers the link's questions from here.
import { basename } from "node:path";
import { outputKey } from "../journal/acknowledgements.ts";
import type { AttemptKey, Journal, OutputRecord } from "../journal/journal.ts";
import { OutputSpool, type OutputTotals, type WrittenBytes } from "./output-spool.ts";
import { readStream } from "./read-stream.ts";
import type { Redactor } from "./redactor.ts";
import { removeFolderNow } from "./remove-folder.ts";

export interface TryAddress extends AttemptKey {
  fence: bigint;
  stepId: string;
  try: number;
}

export interface OutputState extends TryAddress {
  availableBytes: bigint;
  ackedBytes: bigint;
  ended: boolean;
}

interface Entry extends OutputState {
  folder: string;
  spool: OutputSpool | undefined;
  inline: boolean;
  /** Counted against the host's limit while the try runs. */
  reservedBytes: number;
}

export interface OutputLimits {
  /** Of all unacknowledged output on this host. */
  maxSpoolBytes: number;
  /** A try gets at least this much, however full the spool is. */
  minTryBytes: number;
}

/** Streams up to this size live in the journal: durable with the commit that tells their total, and no file stays. */
export const inlineLimitBytes = 32 * 1024;

export class OutputRegistry {
  readonly #journal: Journal;
  readonly #limits: OutputLimits;
  readonly #entries = new Map<string, Entry>();
  readonly #onReady: () => void;
  readonly #onLost: (address: TryAddress, error: Error) => void;

  constructor(
    journal: Journal,
    limits: OutputLimits,
    onReady: () => void,
    onLost: (address: TryAddress, error: Error) => void,
  ) {
    this.#journal = journal;
    this.#limits = limits;
    this.#onReady = onReady;
    this.#onLost = onLost;
  }

  /** What a new try may keep: its own limit, or what the host's still allows. */
  allow(wantedBytes: number): number {
    let taken = 0;
    for (const e of this.#entries.values())
      taken += e.ended ? Number(e.availableBytes - e.ackedBytes) : e.reservedBytes;
    return Math.min(wantedBytes, Math.max(this.#limits.minTryBytes, this.#limits.maxSpoolBytes - taken));
  }

  /** Follows a try that starts or was found running. */
  follow(address: TryAddress, folder: string, redactor: Redactor | undefined, reservedBytes: number): void {
    const key = keyOf(address);
    const before = this.#entries.get(key);
    before?.spool?.close();
    const ackedBytes = before?.ackedBytes ?? 0n;
    const state = { ...address, availableBytes: 0n, ackedBytes, ended: false, inline: false, reservedBytes };
    this.#entries.set(key, { ...state, folder, spool: new OutputSpool(folder, redactor) });
  }

  /** What an earlier life left unacknowledged. A stream without a total is open: `follow` comes for it. */
  restore(address: TryAddress, record: OutputRecord, folder: string): void {
    const { ackedOffset: ackedBytes, totalBytes } = record;
    if (totalBytes !== undefined && ackedBytes >= totalBytes) return;
    const state = { ...address, availableBytes: totalBytes ?? 0n, ackedBytes, ended: totalBytes !== undefined };
    const inline = record.inline !== undefined;
    this.#entries.set(keyOf(address), { ...state, folder, spool: undefined, inline, reservedBytes: 0 });
  }

  /** The supervisor wrote: takes a piece in, and goes on later when there is more. */
  advance(address: TryAddress): void {
    const entry = this.#entries.get(keyOf(address));
    if (entry?.spool === undefined || entry.ended) return;
    const more = entry.spool.advance();
    this.#noteAvailable(entry);
    if (more) setImmediate(() => this.advance(address));
  }

  /** Reads the stream to its end. `record` belongs into the commit that reports the totals; call `ended` after it. */
  async finish(address: TryAddress, written: WrittenBytes): Promise<{ totals: OutputTotals; record: OutputRecord }> {
    const entry = this.#entries.get(keyOf(address))!;
    const totals = await entry.spool!.finish(written, inlineLimitBytes);
    const small = totals.bytes <= inlineLimitBytes;
    const inline = small && totals.bytes > 0n ? readStream(entry.folder, 0, Number(totals.bytes)) : undefined;
    const { fence, stepId, ackedBytes: ackedOffset } = entry;
    const where = { fence, stepId, try: entry.try, folder: basename(entry.folder) };
    return { totals, record: { ...where, ackedOffset, totalBytes: totals.bytes, inline } };
  }

  /** The totals are durable: the stream can be read to its end. True: the folder is not needed for it. */
  ended(address: TryAddress, record: OutputRecord): boolean {
    const entry = this.#entries.get(keyOf(address))!;
    entry.spool!.close();
    entry.spool = undefined;
    entry.ended = true;
    entry.availableBytes = record.totalBytes!;
    entry.inline = record.inline !== undefined;
    if (entry.ackedBytes >= entry.availableBytes) this.#entries.delete(keyOf(address));
    return record.totalBytes! <= inlineLimitBytes;
  }

  states(): OutputState[] {
    return [...this.#entries.values()];
  }

  /** Empty when there is nothing left to read at `offset`. */
  read(address: TryAddress, offset: bigint, maxBytes: number): Uint8Array {
    const entry = this.#entries.get(keyOf(address));
    const length = entry === undefined ? 0 : Math.min(maxBytes, Number(entry.availableBytes - offset));
    if (entry === undefined || length <= 0) return new Uint8Array();
    return entry.inline ? this.#readInline(entry, offset, length) : this.#readFiles(entry, offset, length);
  }

  acknowledge(fence: bigint, stepId: string, tryNumber: number, storedBytes: bigint): void {
    const key = outputKey(fence, stepId, tryNumber);
    const entry = this.#entries.get(key);
    if (entry === undefined || storedBytes <= entry.ackedBytes) return;
    entry.ackedBytes = storedBytes;
    this.#journal.noteOutputAcked(fence, stepId, tryNumber, storedBytes);
    if (!entry.ended || storedBytes < entry.availableBytes) return;
    this.#entries.delete(key);
    if (!entry.inline) removeFolderNow(entry.folder);
  }

  /** The attempt is forgotten, its folder with it. */
  drop(fence: bigint): void {
    for (const [key, entry] of this.#entries) if (entry.fence === fence) this.#entries.delete(key);
  }

  spooledBytes(): bigint {
    let sum = 0n;
    for (const { availableBytes, ackedBytes } of this.#entries.values())
      if (availableBytes > ackedBytes) sum += availableBytes - ackedBytes;
    return sum;
  }

  close(): void {
    for (const entry of this.#entries.values()) entry.spool?.close();
    this.#entries.clear();
  }

  #readInline(entry: Entry, offset: bigint, length: number): Uint8Array {
    const record = this.#journal.outputs(entry.fence).find((o) => o.stepId === entry.stepId && o.try === entry.try);
    return record!.inline!.subarray(Number(offset), Number(offset) + length);
  }

  // Files that somebody removed cannot be sent: the stream is given up, and the rest of the host goes on.
  #readFiles(entry: Entry, offset: bigint, length: number): Uint8Array {
    try {
      return readStream(entry.folder, Number(offset), length);
    } catch (error) {
      this.#entries.delete(keyOf(entry));
      this.#onLost(entry, error as Error);
      return new Uint8Array();
    }
  }

  #noteAvailable(entry: Entry): void {
    if (entry.spool!.available === entry.availableBytes) return;
    entry.availableBytes = entry.spool!.available;
    this.#onReady();
  }
}

function keyOf(address: TryAddress): string {
  return outputKey(address.fence, address.stepId, address.try);
}
