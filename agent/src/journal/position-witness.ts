// How far the journal had come, noted in a file of its own after every commit. SQLite takes a WAL that it cannot read for
// one that ends there, and goes on as if the rest had never been; the witness knows better.
import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { crc32 } from "node:zlib";

const recordBytes = 64;

/**
 * Not synced: it is written after the commit is durable, so what survives of it never claims too much. After a power
 * failure it may claim too little; after anything else it is exact.
 */
export class PositionWitness {
  readonly #fd: number;
  readonly #record = Buffer.alloc(recordBytes, " ");
  /** What it said when it was opened; undefined: nothing that can be read. */
  readonly found: { journalId: string; position: bigint } | undefined;

  constructor(path: string) {
    this.#fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    this.found = this.#read();
  }

  note(journalId: string, position: bigint): void {
    const text = `${journalId} ${position}`;
    this.#record.write(`${text} ${checkOf(text)}`.padEnd(recordBytes - 1), "latin1");
    this.#record.write("\n", recordBytes - 1, "latin1");
    try {
      writeSync(this.#fd, this.#record, 0, recordBytes, 0);
    } catch {
      // A disk that is full or fails says so at the commit; the witness then knows less, which is safe.
    }
  }

  close(): void {
    closeSync(this.#fd);
  }

  #read(): PositionWitness["found"] {
    const bytes = Buffer.alloc(Math.min(recordBytes, fstatSync(this.#fd).size));
    readSync(this.#fd, bytes, 0, bytes.length, 0);
    const [journalId = "", position = "", check = ""] = bytes.toString("latin1").trim().split(" ");
    if (check !== checkOf(`${journalId} ${position}`)) return undefined;
    return { journalId, position: BigInt(position) };
  }
}

function checkOf(text: string): string {
  return crc32(text).toString(16);
}
