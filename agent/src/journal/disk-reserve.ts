// A file that is deleted when the disk is full, so that outcomes of running work still fit. The host makes it again when
// there is space.
import { closeSync, existsSync, openSync, rmSync, writeSync } from "node:fs";

export const reserveBytes = 8 * 1024 * 1024;

export class DiskReserve {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Not sparse: the blocks must really be ours. */
  fill(): void {
    if (existsSync(this.#path)) return;
    const fd = openSync(this.#path, "wx", 0o600);
    try {
      const block = Buffer.alloc(1024 * 1024, 1);
      for (let written = 0; written < reserveBytes; ) written += writeSync(fd, block);
    } catch (error) {
      rmSync(this.#path, { force: true });
      throw error;
    } finally {
      closeSync(fd);
    }
  }

  /** True when there was something to free. */
  free(): boolean {
    if (!existsSync(this.#path)) return false;
    rmSync(this.#path);
    return true;
  }
}
