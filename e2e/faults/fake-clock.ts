// A wall clock of its own for an agent: libfaketime before the program, and a file that says how far it is off, which may
// change while the agent runs. The monotonic clock is left alone, as it is when a person or NTP sets the time. Called by
// clock.ts.
import { existsSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Debian's package `faketime` brings it; undefined when it is not there. */
export function faketimeLibrary(): string | undefined {
  const folders = existsSync("/usr/lib") ? readdirSync("/usr/lib") : [];
  return folders.map((name) => `/usr/lib/${name}/faketime/libfaketime.so.1`).find(existsSync);
}

export function whyNoFakeClock(): string | undefined {
  if (process.platform !== "linux") return "libfaketime is used on Linux only";
  return faketimeLibrary() === undefined ? "libfaketime was not found: install faketime" : undefined;
}

export class FakeClock {
  readonly #file: string;

  constructor(folder: string, name: string) {
    this.#file = join(folder, `clock-${name}`);
    this.set(0);
  }

  /** From now on the wall clock is so much ahead. */
  set(offsetSeconds: number): void {
    const sign = offsetSeconds < 0 ? "-" : "+";
    writeFileSync(`${this.#file}.new`, `${sign}${Math.abs(offsetSeconds)}\n`);
    renameSync(`${this.#file}.new`, this.#file);
  }

  /** For the environment of the program. */
  get env(): Record<string, string> {
    return {
      LD_PRELOAD: faketimeLibrary() ?? "",
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      DONT_FAKE_MONOTONIC: "1",
      NO_FAKE_STAT: "1",
    };
  }
}
