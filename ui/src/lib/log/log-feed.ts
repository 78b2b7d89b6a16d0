// Brings the lines of one try from the server: the end first, then what is looked at, what is new and, in the
// background, the rest. Everything is asked for and stored by line number, so that a cut connection neither loses nor
// doubles a line. The viewer owns it and stops it when it leaves. No Svelte in here.
import type { OutputLines } from "../api/types.ts";
import { type LineRange, LogLines } from "./log-lines.ts";

export interface FeedQuery {
  from: number;
  limit: number;
}
export type FetchLines = (query: FeedQuery, signal: AbortSignal) => Promise<OutputLines>;
export type Gap = OutputLines["gaps"][number];

export interface FeedDeps {
  fetch: FetchLines;
  /** Something that is shown has changed; calls within one task are gathered. */
  onChange: () => void;
  nowMs?: () => number;
  setTimer?: (task: () => void, delayMs: number) => unknown;
  clearTimer?: (timer: unknown) => void;
}

/** `loading`: no answer yet. `empty`: no output so far. `retrying`: cut off, tried again by itself. */
export type FeedStatus = "loading" | "empty" | "ready" | "retrying";

const firstLines = 1000;
const viewLines = 2000;
const viewMargin = 200;
const tailLines = 10_000;
const restLines = 5000;
/** Beyond this, lines are loaded only where somebody looks. */
export const maxInBackground = 500_000;
/** What the server tells is gathered: nobody reads more than four times a second. */
const gatherMs = 250;
const backoffMs = [500, 1000, 2000, 4000, 8000];

interface Work {
  kind: "first" | "view" | "tail" | "rest";
  query: FeedQuery;
}

export class LogFeed {
  readonly lines = new LogLines();
  status: FeedStatus = "loading";
  error: unknown;
  /** Nothing more will come, and where it ends is known. */
  complete = false;
  gaps: readonly Gap[] = [];
  storedBytes = 0;
  attempt = 0;
  try = 0;

  readonly #deps: Required<FeedDeps>;
  readonly #abort = new AbortController();
  #view: LineRange = { from: 0, to: 0 };
  /** The last line, while it has no line feed: it is read again together with what follows. */
  #openLine: number | undefined;
  /** News told by the server or by the clock, and how many of them the last look at the end has covered. */
  #told = 1;
  #covered = 0;
  #tailAtMs = Number.NEGATIVE_INFINITY;
  #pollMs = 3000;
  #failures = 0;
  #busy = false;
  #timer: unknown;
  #changePlanned = false;

  constructor(deps: FeedDeps) {
    this.#deps = {
      nowMs: () => performance.now(),
      setTimer: (task, delayMs) => setTimeout(task, delayMs),
      clearTimer: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
      ...deps,
    };
  }

  start(): void {
    void this.#work();
  }

  stop(): void {
    this.#abort.abort();
    this.#deps.clearTimer(this.#timer);
  }

  /** The lines in view: loaded before anything else. */
  show(view: LineRange): void {
    this.#view = view;
    if (this.#failures === 0 && this.lines.firstMissing(view, 1)) void this.#work();
  }

  /** The server stored more, or the step ended. */
  grew(): void {
    this.#told += 1;
    if (this.#failures === 0) void this.#work();
  }

  /** The connection is back: no use in waiting on. */
  retryNow(): void {
    this.#failures = 0;
    this.grew();
  }

  /** How often to look without being told; short while the live stream is down. */
  setPollMs(pollMs: number): void {
    this.#pollMs = pollMs;
    if (this.#failures === 0 && !this.#busy) this.#rest();
  }

  async #work(): Promise<void> {
    if (this.#busy || this.#abort.signal.aborted) return;
    this.#busy = true;
    this.#deps.clearTimer(this.#timer);
    try {
      for (let work = this.#next(); work; work = this.#next()) {
        await this.#load(work);
        if (this.#abort.signal.aborted) return;
        this.#failures = 0;
      }
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      this.#failures += 1;
      this.#set({ status: "retrying", error });
    } finally {
      this.#busy = false;
    }
    this.#rest();
  }

  /** The next thing to load: what is looked at, what is new, the rest from the end backwards; undefined: nothing now. */
  #next(): Work | undefined {
    if (this.try === 0) return { kind: "first", query: { from: -firstLines, limit: firstLines } };
    const seen = this.lines.firstMissing(this.#view, 1) && this.lines.firstMissing(this.#around(), viewLines);
    if (seen) return { kind: "view", query: { from: seen.from, limit: seen.to - seen.from } };
    if (this.#told !== this.#covered && this.#waitMs() === 0)
      return { kind: "tail", query: { from: this.#openLine ?? this.lines.count, limit: tailLines } };
    const rest = this.lines.loaded < maxInBackground ? this.lines.lastMissing(restLines) : undefined;
    return rest && { kind: "rest", query: { from: rest.from, limit: rest.to - rest.from } };
  }

  /** The view with some lines around it, so that scrolling on finds them loaded. */
  #around(): LineRange {
    return { from: this.#view.from - viewMargin, to: this.#view.to + viewMargin };
  }

  #waitMs(): number {
    return Math.max(0, this.#tailAtMs + gatherMs - this.#deps.nowMs());
  }

  async #load(work: Work): Promise<void> {
    const told = this.#told;
    const looksAtEnd = work.kind === "tail" || work.kind === "first";
    if (looksAtEnd) this.#tailAtMs = this.#deps.nowMs();
    const answer = await this.#deps.fetch(work.query, this.#abort.signal);
    if (this.#abort.signal.aborted) return;
    if (this.try !== 0 && (answer.attempt !== this.attempt || answer.try !== this.try)) return this.#startOver();
    if (answer.lines.length === 0 && answer.from < Math.min(answer.totalLines, work.query.from + work.query.limit))
      throw new Error("the controller sent no lines where it has some");
    this.lines.put(answer.from, answer.lines);
    if (looksAtEnd) this.#knowEnd(answer, told);
    // Lines beyond the known end are the next look's business: it reads on from exactly there.
    else if (answer.totalLines > this.lines.count) this.#told += 1;
    this.#set({ status: this.lines.count === 0 ? "empty" : "ready", error: undefined });
  }

  #knowEnd(answer: OutputLines, told: number): void {
    this.lines.raiseCount(answer.totalLines);
    this.#covered = told;
    this.#openLine = answer.lastLineOpen ? answer.totalLines - 1 : undefined;
    this.complete = answer.complete;
    this.gaps = answer.gaps;
    this.storedBytes = answer.storedBytes;
    this.attempt = answer.attempt;
    this.try = answer.try;
  }

  /** The step runs again: this is another log. */
  #startOver(): void {
    this.lines.clear();
    this.#openLine = undefined;
    this.#tailAtMs = Number.NEGATIVE_INFINITY;
    this.#told += 1;
    this.complete = false;
    this.gaps = [];
    this.storedBytes = 0;
    this.try = 0;
    this.#set({ status: "loading", error: undefined });
  }

  /** Sets the clock for the next look: after a failure, for gathered news, or just to be sure. */
  #rest(): void {
    this.#deps.clearTimer(this.#timer);
    if (this.#abort.signal.aborted) return;
    const failed = this.#failures > 0;
    const news = this.#told !== this.#covered;
    if (!failed && !news && this.complete) return;
    const delayMs = failed
      ? (backoffMs[Math.min(this.#failures, backoffMs.length) - 1] ?? 0)
      : news
        ? this.#waitMs()
        : this.#pollMs;
    this.#timer = this.#deps.setTimer(() => {
      this.#told += 1;
      void this.#work();
    }, delayMs);
  }

  #set(state: { status: FeedStatus; error: unknown }): void {
    this.status = state.status;
    this.error = state.error;
    if (this.#changePlanned) return;
    this.#changePlanned = true;
    // A microtask and not a frame: frames stop in hidden tabs, and all of it would come at once later.
    queueMicrotask(() => {
      this.#changePlanned = false;
      if (!this.#abort.signal.aborted) this.#deps.onChange();
    });
  }
}
