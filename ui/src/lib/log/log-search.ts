// Finds text in the loaded lines of a log as they are shown, without regard to case. Looks only at pages that changed
// since last time, so that a growing log costs its last page. log-finder.svelte.ts is the only caller.
import { type LineView, plainText } from "./ansi.ts";
import { type LogLines, pageLines } from "./log-lines.ts";

interface PageText {
  version: number;
  /** Lower case, as it is shown, one line feed between lines. */
  text: string;
  /** Where each line starts in `text`. */
  starts: Uint32Array;
}

interface PageHits {
  version: number;
  lines: number[];
}

/** Plain text is kept of this many pages (about 120 bytes a line): typing on in the search costs next to nothing. */
const maxKeptTexts = 400;
/** One slice of work: long enough to be quick, short enough not to be felt. */
const sliceMs = 12;

export class LogSearch {
  readonly #lines: LogLines;
  #needle = "";
  #view: LineView = "terminal";
  #hits: (PageHits | undefined)[] = [];
  readonly #texts = new Map<number, PageText>();
  #flat: Int32Array | undefined;
  #run = 0;

  constructor(lines: LogLines) {
    this.#lines = lines;
  }

  get needle(): string {
    return this.#needle;
  }

  /** Line numbers that match, ascending; as far as the search has come. */
  get hits(): Int32Array {
    this.#flat ??= Int32Array.from(
      this.#hits.flatMap((page, number) => page?.lines.map((line) => number * pageLines + line) ?? []),
    );
    return this.#flat;
  }

  /** Forgets what was found and what was kept: for another log, or another view of it. */
  clear(view: LineView = this.#view): void {
    this.#run += 1;
    this.#needle = "";
    this.#view = view;
    this.#hits = [];
    this.#flat = undefined;
    this.#texts.clear();
  }

  /**
   * Brings the hits up to date with `needle` and the lines. Calls `onProgress` after each slice that found something
   * and once at the end; a newer call ends this one.
   */
  async update(needle: string, onProgress: () => void): Promise<void> {
    const run = ++this.#run;
    // A line break would match between lines of the joined text.
    const wanted = needle.includes("\n") ? "" : needle.toLowerCase();
    if (wanted !== this.#needle) {
      this.#needle = wanted;
      this.#hits = [];
      this.#flat = undefined;
    }
    let sliceEnds = performance.now() + sliceMs;
    for (let page = 0; page < this.#lines.pageCount && wanted !== ""; page += 1) {
      this.#searchPage(page);
      if (performance.now() < sliceEnds) continue;
      onProgress();
      await nextTask();
      if (run !== this.#run) return;
      sliceEnds = performance.now() + sliceMs;
    }
    onProgress();
  }

  #searchPage(number: number): void {
    const page = this.#lines.page(number);
    if (!page || this.#hits[number]?.version === page.version) return;
    const before = this.#hits[number]?.lines.length ?? 0;
    const lines = matchingLines(this.#textOf(number, page), this.#needle);
    while (this.#hits.length < number) this.#hits.push(undefined);
    this.#hits[number] = { version: page.version, lines };
    if (lines.length > 0 || before > 0) this.#flat = undefined;
  }

  #textOf(number: number, page: { lines: readonly (string | undefined)[]; version: number }): PageText {
    const kept = this.#texts.get(number);
    if (kept?.version === page.version) return kept;
    const plain = page.lines.map((line) => (line === undefined ? "" : plainText(line, this.#view).toLowerCase()));
    const starts = new Uint32Array(plain.length);
    let at = 0;
    plain.forEach((line, i) => {
      starts[i] = at;
      at += line.length + 1;
    });
    const text = { version: page.version, text: plain.join("\n"), starts };
    if (kept || this.#texts.size < maxKeptTexts) this.#texts.set(number, text);
    return text;
  }
}

function matchingLines({ text, starts }: PageText, needle: string): number[] {
  const lines: number[] = [];
  let at = text.indexOf(needle);
  while (at >= 0) {
    const line = lineAt(starts, at);
    lines.push(line);
    const next = starts[line + 1];
    at = next === undefined ? -1 : text.indexOf(needle, next);
  }
  return lines;
}

/** The last line that starts at or before `at`. */
function lineAt(starts: Uint32Array, at: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= at) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Lets the browser paint and handle input in between. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

/** Position of the first hit at or after `line`; the number of hits when there is none. */
export function firstHitFrom(hits: Int32Array, line: number): number {
  let low = 0;
  let high = hits.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((hits[middle] ?? 0) < line) low = middle + 1;
    else high = middle;
  }
  return low;
}
