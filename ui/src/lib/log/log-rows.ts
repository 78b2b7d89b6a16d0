// The rows on the screen: a pool of elements that move with the text, so that the order in the document is always the
// order of the lines (selection, copy and screen readers follow it) and only rows that changed are painted. Text goes
// into text nodes and nothing else. The pane is the only caller.
import { type LineView, type Segment, showLine } from "./ansi.ts";
import type { LineRange, LogLines } from "./log-lines.ts";
import { type PaneWindow, rowHeight } from "./pane-window.ts";
import { segmentLook } from "./segment-look.ts";

interface Row {
  text: HTMLDivElement;
  number: HTMLAnchorElement;
  line: number;
  raw: string | undefined;
  state: number;
  gap: string;
  expanded: boolean;
  view: LineView;
  y: number;
}

export interface Marks {
  selection: LineRange | undefined;
  /** The line of the match that was stepped to; -1 for none. */
  hit: number;
  /** Words for lines before which output was left out. */
  gaps: ReadonlyMap<number, string>;
  /** Long lines that are shown whole. */
  expanded: ReadonlySet<number>;
  view: LineView;
  /** Lines that are shown raw among others that are not. */
  raw: ReadonlySet<number>;
}

export interface RowWords {
  moreCharacters: (count: number) => string;
  overwritten: (count: number) => string;
  asTerminal: string;
}

/** A megabyte in one row stalls the browser: longer lines are cut, and shown up to the second bound when asked. */
const maxChars = 4000;
const maxExpandedChars = 100_000;

export class LogRows {
  readonly #gutter: HTMLElement;
  readonly #body: HTMLElement;
  readonly #lines: LogLines;
  readonly #words: RowWords;
  #rows: Row[] = [];
  #first = 0;

  constructor(gutter: HTMLElement, body: HTMLElement, lines: LogLines, words: RowWords) {
    this.#gutter = gutter;
    this.#body = body;
    this.#lines = lines;
    this.#words = words;
  }

  /** Paints rows [first, last); `lineOf` says which line stands in a row (its own number unless filtered). */
  render(window: PaneWindow, lineOf: (row: number) => number, marks: Marks): void {
    if (!this.#ensure(window.last - window.first)) this.#rotate(window.first - this.#first);
    this.#first = window.first;
    for (const [k, row] of this.#rows.entries()) {
      const at = window.first + k;
      if (at < window.last) this.#show(row, lineOf(at), at * rowHeight + window.shift, marks);
      else if (row.line !== -1) hide(row);
    }
  }

  /** Ranges of `needle` (lower case) in the painted rows, for the CSS Custom Highlight API. */
  ranges(needle: string): Range[] {
    if (needle === "") return [];
    return this.#rows.flatMap((row) => (row.line < 0 ? [] : rangesIn(row.text, needle)));
  }

  #ensure(count: number): boolean {
    const before = this.#rows.length;
    while (this.#rows.length < count) this.#rows.push(this.#make());
    return this.#rows.length > before;
  }

  #make(): Row {
    const text = document.createElement("div");
    text.className = "row";
    const number = document.createElement("a");
    number.className = "number";
    number.tabIndex = -1;
    this.#body.append(text);
    this.#gutter.append(number);
    return { text, number, line: -1, raw: undefined, state: 0, gap: "", expanded: false, view: "terminal", y: -1 };
  }

  /** Takes the rows that scrolled out at one end to the other, in the document too. */
  #rotate(by: number): void {
    const count = this.#rows.length;
    if (by === 0 || Math.abs(by) >= count) return;
    const moved = by > 0 ? this.#rows.splice(0, by) : this.#rows.splice(count + by, -by);
    const texts = moved.map((row) => row.text);
    const numbers = moved.map((row) => row.number);
    if (by > 0) {
      this.#rows.push(...moved);
      this.#body.append(...texts);
      this.#gutter.append(...numbers);
    } else {
      this.#rows.unshift(...moved);
      this.#body.prepend(...texts);
      this.#gutter.prepend(...numbers);
    }
  }

  #show(row: Row, line: number, y: number, marks: Marks): void {
    if (row.line === -1) row.text.style.display = row.number.style.display = "";
    const raw = this.#lines.line(line);
    const state = this.#lines.stateAt(line);
    const gap = marks.gaps.get(line) ?? "";
    const expanded = marks.expanded.has(line);
    const ownView = marks.raw.has(line);
    const view = ownView ? "raw" : marks.view;
    const changed = row.line !== line || row.raw !== raw || row.state !== state || row.gap !== gap;
    if (changed || row.expanded !== expanded || row.view !== view) {
      Object.assign(row, { line, raw, state, gap, expanded, view });
      this.#paint(row, ownView && marks.view !== "raw");
    }
    if (row.y !== y) {
      row.y = y;
      row.text.style.transform = row.number.style.transform = `translateY(${y}px)`;
    }
    const selected = marks.selection && line >= marks.selection.from && line < marks.selection.to;
    const look = `row${selected ? " selected" : ""}${line === marks.hit ? " current" : ""}${raw === undefined ? " missing" : ""}`;
    if (row.text.className !== look) row.text.className = look;
  }

  #paint(row: Row, canGoBack: boolean): void {
    const nodes: Node[] = row.gap === "" ? [] : [note(row.gap, "gap")];
    if (row.raw !== undefined) nodes.push(...this.#textNodes(row, row.raw));
    if (canGoBack) nodes.push(lineButton("view", row.line, this.#words.asTerminal));
    row.text.replaceChildren(...nodes);
    row.number.textContent = String(row.line + 1);
    row.number.setAttribute("href", `#L${row.line + 1}`);
    row.number.dataset.line = String(row.line);
  }

  #textNodes(row: Row, raw: string): Node[] {
    const most = row.expanded ? maxExpandedChars : maxChars;
    const { segments, overwritten } = showLine(raw, row.state, row.view);
    const nodes = cut(segments, most).map(nodeOf);
    const rest = segments.reduce((sum, segment) => sum + segment.text.length, 0) - most;
    if (rest > 0) {
      const text = this.#words.moreCharacters(rest);
      nodes.push(row.expanded ? note(text, "more") : lineButton("expand", row.line, text));
    }
    if (overwritten > 0) nodes.push(lineButton("view", row.line, this.#words.overwritten(overwritten)));
    return nodes;
  }
}

/** The first `most` characters of the segments. */
function cut(segments: readonly Segment[], most: number): Segment[] {
  const kept: Segment[] = [];
  let room = most;
  for (const segment of segments) {
    if (room <= 0) break;
    kept.push(segment.text.length <= room ? segment : { ...segment, text: segment.text.slice(0, room) });
    room -= segment.text.length;
  }
  return kept;
}

function hide(row: Row): void {
  row.line = -1;
  row.raw = undefined;
  row.text.style.display = row.number.style.display = "none";
}

function nodeOf({ text, state, control }: Segment): Node {
  const { className, color, background } = segmentLook(state);
  const names = control ? `control ${className}`.trimEnd() : className;
  if (names === "" && !color && !background) return document.createTextNode(text);
  const element = document.createElement("span");
  element.className = names;
  if (color) element.style.color = color;
  if (background) element.style.backgroundColor = background;
  element.textContent = text;
  return element;
}

function note(text: string, className: string): HTMLElement {
  const element = document.createElement("span");
  element.className = className;
  element.textContent = text;
  return element;
}

/** A button at the end of a line; the pane takes its clicks. */
function lineButton(act: "expand" | "view", line: number, text: string): HTMLElement {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "more";
  button.dataset[act] = String(line);
  button.textContent = text;
  return button;
}

function rangesIn(element: HTMLElement, needle: string): Range[] {
  const text = (element.textContent ?? "").toLowerCase();
  // Where lower case has another length, places in it are no places in the text.
  if (text.length !== element.textContent?.length) return [];
  const ranges: Range[] = [];
  for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + needle.length)) {
    const from = locate(element, at, false);
    const to = locate(element, at + needle.length, true);
    if (!from || !to) break;
    const range = new Range();
    range.setStart(...from);
    range.setEnd(...to);
    ranges.push(range);
  }
  return ranges;
}

/** The text node and offset of a character; at a border, the end of the one node or the start of the next. */
function locate(element: Node, offset: number, atEnd: boolean): [Node, number] | undefined {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  let rest = offset;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const length = node.nodeValue?.length ?? 0;
    if (rest < length || (atEnd && rest === length)) return [node, rest];
    rest -= length;
  }
  return undefined;
}
