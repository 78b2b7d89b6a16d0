// One row of a terminal: what is left of a line after the cursor has gone back and text was written over text, as
// progress bars do. Every character takes one cell, wide ones too. ansi.ts is the caller. Pure.

export interface Cell {
  text: string;
  state: number;
}

const blank: Cell = { text: " ", state: 0 };
const attaches = /^(?:\p{M}|\p{Emoji_Modifier}|\u200d)/u;
/** No terminal is wider; output may ask for more. */
const maxColumn = 10_000;

export class TerminalRow {
  readonly cells: Cell[] = [];
  /** How often the cursor went back and text was lost by it. */
  overwritten = 0;
  #column = 0;
  #wentBack = false;
  #joins = false;

  write(text: string, state: number): void {
    for (const character of text) {
      if (character === "\r") this.#goTo(0);
      else if (character === "\b") this.#goTo(this.#column - 1);
      else this.#put(character, state);
    }
  }

  /** A complete control sequence: of those that erase or move within the row (ECMA-48), what they do. */
  obey(sequence: string): void {
    const match = /^\x1b\[(\d*)([CDGKP])$/.exec(sequence);
    if (!match) return;
    const count = Number(match[1] || 1);
    if (match[2] === "C") this.#goTo(this.#column + count);
    else if (match[2] === "D") this.#goTo(this.#column - count);
    else if (match[2] === "G") this.#goTo(count - 1);
    else if (match[2] === "P") this.#lose(this.cells.splice(this.#column, count));
    else this.#erase(Number(match[1] || 0));
  }

  #goTo(column: number): void {
    if (column < this.#column) this.#wentBack = true;
    this.#column = Math.min(Math.max(0, column), maxColumn);
    this.#joins = false;
  }

  #put(character: string, state: number): void {
    const before = this.cells[this.#column - 1];
    if (before && (this.#joins || attaches.test(character))) {
      this.cells[this.#column - 1] = { ...before, text: before.text + character };
      this.#joins = character === "\u200d";
      return;
    }
    while (this.cells.length < this.#column) this.cells.push(blank);
    const old = this.cells[this.#column];
    if (old && old.text !== character) this.#lose([old]);
    this.cells[this.#column] = { text: character, state };
    this.#column += 1;
  }

  /** 0: to the end, 1: from the start, 2: all. */
  #erase(part: number): void {
    if (part === 0) this.#lose(this.cells.splice(this.#column));
    else if (part === 2) this.#lose(this.cells.splice(0));
    else if (part === 1) {
      const end = Math.min(this.cells.length, this.#column + 1);
      this.#lose(this.cells.slice(0, end));
      this.cells.fill(blank, 0, end);
    }
  }

  #lose(lost: readonly Cell[]): void {
    if (!this.#wentBack || lost.every((cell) => cell.text === " ")) return;
    this.overwritten += 1;
    this.#wentBack = false;
  }
}
