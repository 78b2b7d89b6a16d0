// The lines of one log, outside of Svelte's proxies: a growing array with holes where ranges are not loaded yet, and
// the style that each line begins with. Pure but for the change callback, which comes once per batch.
import { plainText, type SgrState, stateAfter } from "./ansi.ts";

export class LineStore {
  /** `undefined`: not loaded yet. */
  readonly lines: (string | undefined)[] = [];
  readonly starts: SgrState[] = [];
  #loaded = 0;
  #onChange: () => void;
  #queued = false;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  get total(): number {
    return this.lines.length;
  }
  get loaded(): number {
    return this.#loaded;
  }

  /** The log has at least `total` lines; new ones are holes until they are put. */
  grow(total: number): void {
    if (total <= this.lines.length) return;
    for (let i = this.lines.length; i < total; i += 1) {
      this.lines.push(undefined);
      this.starts.push(0);
    }
    this.#changed();
  }

  /** Puts lines at their numbers; the same lines again change nothing, so that a range fetched twice is harmless. */
  put(from: number, batch: readonly string[]): void {
    if (batch.length === 0) return;
    this.grow(from + batch.length);
    for (const [i, line] of batch.entries()) {
      if (this.lines[from + i] === undefined) this.#loaded += 1;
      this.lines[from + i] = line;
    }
    this.#restate(from, from + batch.length);
    this.#changed();
  }

  /** Recomputes the styles from `from`; behind `to` only as far as they really change. */
  #restate(from: number, to: number): void {
    let state = from === 0 ? 0 : this.#endOf(from - 1);
    for (let i = from; i < this.lines.length; i += 1) {
      if (i >= to && this.starts[i] === state) return;
      this.starts[i] = state;
      const line = this.lines[i];
      if (line === undefined) return;
      state = stateAfter(line, state);
    }
  }

  #endOf(index: number): SgrState {
    const line = this.lines[index];
    return line === undefined ? 0 : stateAfter(line, this.starts[index] ?? 0);
  }

  /** First and last+1 line of the first hole in [from, to), or undefined. */
  hole(from: number, to: number): { from: number; to: number } | undefined {
    let start = Math.max(0, from);
    const end = Math.min(to, this.lines.length);
    while (start < end && this.lines[start] !== undefined) start += 1;
    if (start >= end) return undefined;
    let stop = start;
    while (stop < end && this.lines[stop] === undefined) stop += 1;
    return { from: start, to: stop };
  }

  /** Numbers of the loaded lines that contain `needle`, ignoring case. */
  search(needle: string): Int32Array {
    const wanted = needle.toLowerCase();
    const hits: number[] = [];
    for (let i = 0; i < this.lines.length; i += 1) {
      const line = this.lines[i];
      if (line === undefined) continue;
      if (plainText(line).toLowerCase().includes(wanted)) hits.push(i);
    }
    return Int32Array.from(hits);
  }

  /** Plain text of lines [from, to], for copying. */
  text(from: number, to: number): string {
    return this.lines
      .slice(from, to + 1)
      .map((line) => plainText(line ?? ""))
      .join("\n");
  }

  #changed(): void {
    if (this.#queued) return;
    this.#queued = true;
    // A microtask and not a frame: frames stop in hidden tabs, and the backlog would arrive at once.
    queueMicrotask(() => {
      this.#queued = false;
      this.#onChange();
    });
  }
}
