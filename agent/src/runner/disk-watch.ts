// Watches the space that is left for journal and spool: below the limit no work is taken, so that what runs can still
// tell how it ended. The host asks at each offer.
import { statfsSync } from "node:fs";
import type { Logger } from "pino";
import { type DiskReserve, reserveBytes } from "../journal/disk-reserve.ts";

const everyMs = 5000;
/** Less than this is as good as nothing. */
const nothingBytes = 1024 ** 2;
/** While there is a problem: work should go on soon after it is gone. */
const everyMsInTrouble = 1000;

export class DiskWatch {
  readonly #folder: string;
  readonly #minFreeBytes: number;
  readonly #reserve: DiskReserve;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;
  /** Called when a problem came or went. */
  onChange: () => void = () => {};
  #problem = "";

  constructor(folder: string, minFreeBytes: number, reserve: DiskReserve, log: Logger) {
    this.#folder = folder;
    this.#minFreeBytes = minFreeBytes;
    this.#reserve = reserve;
    this.#log = log;
    this.#watch();
  }

  /** Empty while there is enough. */
  get problem(): string {
    return this.#problem;
  }

  look(): void {
    const before = this.#problem;
    this.#problem = this.#check();
    if (this.#problem !== before) this.#log.warn({ event: "disk.space", problem: this.#problem });
    if ((before === "") !== (this.#problem === "")) this.onChange();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #watch(): void {
    this.look();
    this.#timer = setTimeout(() => this.#watch(), this.#problem === "" ? everyMs : everyMsInTrouble).unref();
  }

  #check(): string {
    try {
      const { bavail, bsize } = statfsSync(this.#folder);
      const freeBytes = bavail * bsize;
      // The records of what ends now need a few blocks each, and nobody else would give any back.
      if (freeBytes < nothingBytes && this.#reserve.free()) this.#log.warn({ event: "disk.reserve_freed" });
      if (freeBytes < this.#minFreeBytes) return this.#tooLittle(freeBytes);
      if (freeBytes > 2 * reserveBytes) this.#reserve.fill();
      return "";
    } catch (error) {
      return `The state folder ${this.#folder} cannot be used: ${(error as Error).message}`;
    }
  }

  #tooLittle(freeBytes: number): string {
    const mib = (bytes: number) => `${Math.floor(bytes / 1024 ** 2)} MiB`;
    return `Only ${mib(freeBytes)} are free in ${this.#folder}; work is taken again from ${mib(this.#minFreeBytes)}.`;
  }
}
