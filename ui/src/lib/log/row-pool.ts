// The rows on the screen: a pool of elements that move with the text, so that the order in the document is always the
// order of the lines (selection, copy and screen readers follow it) and only rows that changed are painted.
import { segmentsOf } from "./ansi.ts";
import type { LineStore } from "./line-store.ts";
import { type Geometry, rowPx } from "./pane-geometry.ts";

interface Row {
  text: HTMLDivElement;
  number: HTMLAnchorElement;
  line: number;
  raw: string | undefined;
  start: number;
  y: number;
}

export interface Marks {
  selection: readonly [number, number] | undefined;
  hit: number;
  /** Lines before which output was left out, with the words to say so. */
  gaps: ReadonlyMap<number, string>;
}

/** Longest line that is painted whole; the rest is told by its length (a megabyte in one row stalls the browser). */
const maxPaintedChars = 8000;

export class RowPool {
  readonly #gutter: HTMLElement;
  readonly #body: HTMLElement;
  readonly #store: LineStore;
  readonly #tooLong: (chars: number) => string;
  #rows: Row[] = [];
  #first = 0;

  constructor(gutter: HTMLElement, body: HTMLElement, store: LineStore, tooLong: (chars: number) => string) {
    this.#gutter = gutter;
    this.#body = body;
    this.#store = store;
    this.#tooLong = tooLong;
  }

  render(geometry: Geometry, marks: Marks): void {
    const grew = this.#ensure(geometry.last - geometry.first);
    if (!grew) this.#rotate(geometry.first - this.#first);
    this.#first = geometry.first;
    for (const [k, row] of this.#rows.entries()) {
      const line = geometry.first + k;
      if (line < geometry.last) this.#show(row, line, geometry.shiftPx, marks);
      else if (row.line !== -1) this.#hide(row);
    }
  }

  /** Ranges of `needle` in the painted rows, for the CSS Custom Highlight API. */
  ranges(needle: string): Range[] {
    const wanted = needle.toLowerCase();
    return wanted === "" ? [] : this.#rows.filter((row) => row.line >= 0).flatMap((row) => rangesIn(row.text, wanted));
  }

  #ensure(count: number): boolean {
    const before = this.#rows.length;
    while (this.#rows.length < count) this.#rows.push(this.#make());
    return this.#rows.length > before;
  }

  #make(): Row {
    const text = document.createElement("div");
    const number = document.createElement("a");
    number.className = "ln";
    number.tabIndex = -1;
    this.#body.append(text);
    this.#gutter.append(number);
    return { text, number, line: -1, raw: undefined, start: 0, y: -1 };
  }

  /** Takes the rows that scrolled out at one end to the other, in the document too. */
  #rotate(by: number): void {
    const n = this.#rows.length;
    if (by === 0 || Math.abs(by) >= n) return;
    const moved = by > 0 ? this.#rows.splice(0, by) : this.#rows.splice(n + by, -by);
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

  #hide(row: Row): void {
    row.line = -1;
    row.raw = undefined;
    row.text.style.display = row.number.style.display = "none";
  }

  #show(row: Row, line: number, shiftPx: number, marks: Marks): void {
    const raw = this.#store.lines[line];
    const start = this.#store.starts[line] ?? 0;
    if (row.line === -1) row.text.style.display = row.number.style.display = "";
    if (row.line !== line || row.raw !== raw || row.start !== start) this.#paint(row, line, raw, start);
    const y = line * rowPx + shiftPx;
    if (row.y !== y) {
      row.y = y;
      row.text.style.transform = row.number.style.transform = `translateY(${y}px)`;
    }
    const selected = marks.selection && line >= marks.selection[0] && line <= marks.selection[1];
    const look = `lr${selected ? " sel" : ""}${line === marks.hit ? " cur" : ""}${raw === undefined ? " hole" : ""}`;
    if (row.text.className !== look) row.text.className = look;
    const gap = marks.gaps.get(line) ?? "";
    if ((row.text.dataset.gap ?? "") !== gap) row.text.dataset.gap = gap;
  }

  #paint(row: Row, line: number, raw: string | undefined, start: number): void {
    row.line = line;
    row.raw = raw;
    row.start = start;
    row.text.replaceChildren(...this.#nodes(raw ?? "", start));
    row.number.textContent = String(line + 1);
    row.number.setAttribute("href", `#L${line + 1}`);
    row.number.dataset.line = String(line);
  }

  #nodes(raw: string, start: number): Node[] {
    const nodes: Node[] = segmentsOf(raw.length > maxPaintedChars ? raw.slice(0, maxPaintedChars) : raw, start).map(
      ({ text, className }) => (className === "" ? document.createTextNode(text) : span(text, className)),
    );
    if (raw.length > maxPaintedChars) nodes.push(span(this.#tooLong(raw.length - maxPaintedChars), "long"));
    return nodes;
  }
}

function span(text: string, className: string): HTMLSpanElement {
  const element = document.createElement("span");
  element.className = className;
  element.textContent = text;
  return element;
}

function rangesIn(element: HTMLElement, wanted: string): Range[] {
  const text = (element.textContent ?? "").toLowerCase();
  const ranges: Range[] = [];
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length)) {
    const from = locate(element, at);
    const to = locate(element, at + wanted.length);
    if (!from || !to) break;
    const range = new Range();
    range.setStart(...from);
    range.setEnd(...to);
    ranges.push(range);
  }
  return ranges;
}

function locate(element: Node, offset: number): [Node, number] | undefined {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  let rest = offset;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const length = node.nodeValue?.length ?? 0;
    if (rest <= length) return [node, rest];
    rest -= length;
  }
  return undefined;
}
