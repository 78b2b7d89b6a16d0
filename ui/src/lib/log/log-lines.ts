// The lines of one log by their number: any part may be missing, any part may come again, and each line knows the look
// it begins with. Plain arrays, because a million proxies would be a million too many. log-feed.ts writes, the pane and
// the search read.
import { stateAfter } from "./ansi.ts";

export const pageLines = 1024;

interface Page {
  lines: (string | undefined)[];
  /** Look at the start of each line. */
  states: Int32Array;
  filled: number;
  /** Raised when a line of it changes; search looks again at such pages only. */
  version: number;
}

export interface LineRange {
  from: number;
  /** Exclusive. */
  to: number;
}

export class LogLines {
  #pages: (Page | undefined)[] = [];
  #count = 0;
  #loaded = 0;

  /** Lines there are, loaded or not. */
  get count(): number {
    return this.#count;
  }

  get loaded(): number {
    return this.#loaded;
  }

  get pageCount(): number {
    return Math.ceil(this.#count / pageLines);
  }

  line(index: number): string | undefined {
    return this.#pages[Math.floor(index / pageLines)]?.lines[index % pageLines];
  }

  /** The packed look that the line begins with; the default one while nothing is known before it. */
  stateAt(index: number): number {
    return this.#pages[Math.floor(index / pageLines)]?.states[index % pageLines] ?? 0;
  }

  /** The lines of a page, with holes, and its version; undefined when nothing of it is loaded. */
  page(index: number): { lines: readonly (string | undefined)[]; version: number } | undefined {
    return this.#pages[index];
  }

  /** More lines are known to exist. Never shrinks: output is only ever added. */
  raiseCount(count: number): void {
    this.#count = Math.max(this.#count, count);
  }

  clear(): void {
    this.#pages = [];
    this.#count = 0;
    this.#loaded = 0;
  }

  /** Stores lines from number `from` on; the same lines again change nothing. */
  put(from: number, lines: readonly string[]): void {
    this.raiseCount(from + lines.length);
    lines.forEach((line, i) => {
      this.#set(from + i, line);
    });
    this.#spreadLooks(from, from + lines.length);
  }

  #set(index: number, line: string): void {
    const page = this.#pageFor(index);
    const at = index % pageLines;
    const before = page.lines[at];
    if (before === line) return;
    if (before === undefined) {
      page.filled += 1;
      this.#loaded += 1;
    }
    page.lines[at] = line;
    page.version += 1;
  }

  #pageFor(index: number): Page {
    const number = Math.floor(index / pageLines);
    const known = this.#pages[number];
    if (known) return known;
    while (this.#pages.length < number) this.#pages.push(undefined);
    const page: Page = {
      lines: new Array<string | undefined>(pageLines).fill(undefined),
      states: new Int32Array(pageLines),
      filled: 0,
      version: 0,
    };
    this.#pages[number] = page;
    return page;
  }

  /** Looks of the lines from `from` on; past `to` only as far as what was assumed there proves wrong. */
  #spreadLooks(from: number, to: number): void {
    const previous = from === 0 ? undefined : this.line(from - 1);
    let state = previous === undefined ? 0 : stateAfter(previous, this.stateAt(from - 1));
    for (let index = from; index < this.#count; index += 1) {
      const page = this.#pages[Math.floor(index / pageLines)];
      const line = page?.lines[index % pageLines];
      if (!page || line === undefined) return;
      if (index >= to && page.states[index % pageLines] === state) return;
      page.states[index % pageLines] = state;
      state = stateAfter(line, state);
    }
  }

  /** The first run of missing lines in the range, at most `limit` long. */
  firstMissing(range: LineRange, limit: number): LineRange | undefined {
    const end = Math.min(range.to, this.#count);
    let from = Math.max(0, range.from);
    while (from < end && !this.#isMissing(from)) from = this.#isFull(from) ? nextPage(from) : from + 1;
    if (from >= end) return undefined;
    let to = from;
    while (to < end && to - from < limit && this.#isMissing(to)) to = this.#isEmpty(to) ? nextPage(to) : to + 1;
    return { from, to: Math.min(to, end, from + limit) };
  }

  /** The last run of missing lines, at most `limit` long: what follows the eye backwards from the end. */
  lastMissing(limit: number): LineRange | undefined {
    let to = this.#count;
    while (to > 0 && !this.#isMissing(to - 1)) to = this.#isFull(to - 1) ? startOfPage(to - 1) : to - 1;
    if (to <= 0) return undefined;
    let from = to;
    while (from > 0 && to - from < limit && this.#isMissing(from - 1)) {
      from = this.#isEmpty(from - 1) ? startOfPage(from - 1) : from - 1;
    }
    return { from: Math.max(0, from, to - limit), to };
  }

  #isMissing(index: number): boolean {
    return this.line(index) === undefined;
  }

  #isFull(index: number): boolean {
    return this.#pages[Math.floor(index / pageLines)]?.filled === pageLines;
  }

  #isEmpty(index: number): boolean {
    return this.#pages[Math.floor(index / pageLines)] === undefined;
  }
}

const nextPage = (index: number) => (Math.floor(index / pageLines) + 1) * pageLines;
const startOfPage = (index: number) => Math.floor(index / pageLines) * pageLines;
