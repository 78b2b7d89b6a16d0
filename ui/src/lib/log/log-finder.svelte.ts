// The search of one log as people see it: what is looked for, where it was found, and the match they have stepped to.
// The viewer makes one; toolbar and pane read it.
import type { LineView } from "./ansi.ts";
import type { LogLines } from "./log-lines.ts";
import { firstHitFrom, LogSearch } from "./log-search.ts";

const searchDelayMs = 120;

export interface FinderDeps {
  lines: LogLines;
  /** The first line in view: a new search jumps to the first match from there. */
  firstInView: () => number;
  /** Goes to the match that was stepped to. */
  onReveal: (line: number) => void;
}

export class LogFinder {
  needle = $state("");
  searching = $state(false);
  hits = $state.raw<Int32Array>(new Int32Array());
  /** Which of the hits was stepped to. */
  at = $state(0);
  onlyHits = $state(false);

  readonly #deps: FinderDeps;
  readonly #search: LogSearch;
  #run = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(deps: FinderDeps) {
    this.#deps = deps;
    this.#search = new LogSearch(deps.lines);
  }

  /** Only matching lines are shown. */
  get filtering(): boolean {
    return this.onlyHits && this.needle !== "";
  }

  /** The line of the match that was stepped to. */
  get line(): number | undefined {
    return this.needle === "" ? undefined : this.hits[this.at];
  }

  /** A key was typed: search when no other follows at once. */
  typed(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.at = 0;
      this.#find(true);
    }, searchDelayMs);
  }

  /** Lines came: they may match too. The search looks at changed pages only. */
  linesChanged(): void {
    if (this.needle !== "") this.#find(false);
  }

  setView(view: LineView): void {
    this.#search.clear(view);
    this.linesChanged();
  }

  step(by: number): void {
    if (this.hits.length === 0) return;
    this.at = (this.at + by + this.hits.length) % this.hits.length;
    this.#reveal();
  }

  toggleOnlyHits(): void {
    const line = this.line;
    this.onlyHits = !this.onlyHits;
    if (line !== undefined) queueMicrotask(() => this.#deps.onReveal(line));
  }

  /** Ends the search; the pane stays at the match. */
  clear(): void {
    clearTimeout(this.#timer);
    const line = this.line;
    this.needle = "";
    this.onlyHits = false;
    this.#find(false);
    if (line !== undefined) this.#deps.onReveal(line);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#run += 1;
    this.#search.clear();
  }

  #find(jump: boolean): void {
    const run = ++this.#run;
    this.searching = true;
    const from = Math.max(0, this.#deps.firstInView());
    let jumped = !jump;
    const progress = () => {
      if (run !== this.#run) return;
      const line = this.hits[this.at];
      this.hits = this.#search.hits;
      // The match that was stepped to stays the same one when others are found before it.
      if (jumped && line !== undefined)
        this.at = Math.min(firstHitFrom(this.hits, line), Math.max(0, this.hits.length - 1));
      const first = firstHitFrom(this.hits, from);
      if (jumped || first >= this.hits.length) return;
      jumped = true;
      this.at = first;
      this.#reveal();
    };
    void this.#search.update(this.needle, progress).then(() => {
      if (run !== this.#run) return;
      this.searching = false;
      if (jumped || this.hits.length === 0) return;
      this.at = 0;
      this.#reveal();
    });
  }

  #reveal(): void {
    const line = this.hits[this.at];
    if (line !== undefined) this.#deps.onReveal(line);
  }
}
