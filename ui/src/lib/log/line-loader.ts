// Brings the lines of one try from the server: the tail first, then backwards, then what grows. Every fetch is a range
// by line number, so that a reconnect can neither lose a line nor show it twice. Used by log-view.svelte.ts.
import type { OutputLines } from "../api/types.ts";
import type { LineStore } from "./line-store.ts";

export type FetchLines = (range: { from: number; limit: number }, signal: AbortSignal) => Promise<OutputLines>;

export interface LoaderState {
  /** Nothing more will come. */
  complete: boolean;
  storedBytes: number;
  gaps: OutputLines["gaps"];
  /** The newest failure; cleared by the next success. */
  error: unknown;
  /** The first answer has arrived. */
  ready: boolean;
  try: number;
  attempt: number;
}

const block = 10_000;
/** Logs up to this many lines are loaded whole in the background; of longer ones only what is looked at. */
export const backgroundLimit = 300_000;

export class LineLoader {
  readonly #fetch: FetchLines;
  readonly #store: LineStore;
  readonly #onState: (state: LoaderState) => void;
  readonly #abort = new AbortController();
  #state: LoaderState = {
    complete: false,
    storedBytes: 0,
    gaps: [],
    error: undefined,
    ready: false,
    try: 0,
    attempt: 0,
  };
  #lastLineOpen = false;
  #tail: Promise<void> | undefined;
  #again = false;
  #filling = false;

  constructor(fetch: FetchLines, store: LineStore, onState: (state: LoaderState) => void) {
    this.#fetch = fetch;
    this.#store = store;
    this.#onState = onState;
  }

  /** Fetches what is new at the end. Calls during a fetch join into one more fetch behind it. */
  refresh(): Promise<void> {
    if (this.#tail) {
      this.#again = true;
      return this.#tail;
    }
    this.#tail = this.#follow().finally(() => {
      this.#tail = undefined;
      if (this.#again && !this.#abort.signal.aborted) {
        this.#again = false;
        void this.refresh();
      }
    });
    return this.#tail;
  }

  stop(): void {
    this.#abort.abort();
  }

  /** Loads the holes of [from, to), for the rows on the screen of a very long log. */
  async need(from: number, to: number): Promise<void> {
    const hole = this.#store.hole(from - 500, to + 500);
    if (!hole || this.#filling) return;
    this.#filling = true;
    try {
      await this.#load(hole.from, Math.min(hole.to - hole.from, block));
    } finally {
      this.#filling = false;
    }
  }

  /** Loads every hole, newest first. */
  async fill(): Promise<void> {
    for (let end = this.#store.total; end > 0 && !this.#abort.signal.aborted; end -= block) {
      const hole = this.#store.hole(Math.max(0, end - block), end);
      if (hole && !(await this.#load(hole.from, hole.to - hole.from))) return;
    }
  }

  async #follow(): Promise<void> {
    const first = !this.#state.ready;
    const known = this.#store.total;
    // The last line is fetched again while it has no newline: it may have grown.
    const from = first ? -1000 : Math.max(0, this.#lastLineOpen ? known - 1 : known);
    const answer = await this.#load(from, first ? 1000 : block);
    if (!answer || this.#abort.signal.aborted) return;
    if (answer.from + answer.lines.length < answer.totalLines) this.#again = true;
    if (first && answer.totalLines <= backgroundLimit) void this.fill();
  }

  async #load(from: number, limit: number): Promise<OutputLines | undefined> {
    try {
      const answer = await this.#fetch({ from, limit }, this.#abort.signal);
      this.#accept(answer);
      return answer;
    } catch (error) {
      if (!this.#abort.signal.aborted) this.#publish({ error });
      return undefined;
    }
  }

  #accept(answer: OutputLines): void {
    this.#store.grow(answer.totalLines);
    this.#store.put(answer.from, answer.lines);
    const atEnd = answer.from + answer.lines.length >= answer.totalLines;
    if (atEnd) this.#lastLineOpen = answer.lastLineOpen;
    this.#publish({
      complete: answer.complete,
      storedBytes: answer.storedBytes,
      gaps: answer.gaps,
      error: undefined,
      ready: true,
      try: answer.try,
      attempt: answer.attempt,
    });
  }

  #publish(patch: Partial<LoaderState>): void {
    this.#state = { ...this.#state, ...patch };
    this.#onState(this.#state);
  }
}
