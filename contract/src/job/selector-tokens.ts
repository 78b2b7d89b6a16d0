// Words and signs of a selector with their places. Used by selector.ts. Pure.
/** A selector that cannot be read. `offset` counts characters from 0. */
export class SelectorError extends Error {
  override readonly name = "SelectorError";
  readonly offset: number;
  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

export interface Token {
  kind: "word" | "quoted" | "(" | ")" | "," | "=" | "!=" | "~" | "and" | "or" | "not" | "in" | "end";
  /** As written. */
  text: string;
  /** Without quotes and escapes. */
  value: string;
  offset: number;
}

/** What people bring from other languages, and what it is called here. */
const foreign: Record<string, string> = {
  "==": "equality is written =",
  "&&": "write and",
  "&": "write and",
  "||": "write or",
  "|": "write or",
  "!": "write not before it, or != between label and value",
  "=~": "patterns are written ~ with * and ?",
  "!~": "write not before it: not name~web-*",
};

export function tokenise(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const space = /^\s+/.exec(text.slice(at));
    if (space) {
      at += space[0].length;
      continue;
    }
    const token = readToken(text, at);
    tokens.push(token);
    at += token.text.length;
  }
  tokens.push({ kind: "end", text: "", value: "", offset: text.length });
  return tokens;
}

function readToken(text: string, offset: number): Token {
  const rest = text.slice(offset);
  const wrong = /^(==|&&?|\|\|?|=~|!~|!(?!=))/.exec(rest)?.[0];
  if (wrong) throw new SelectorError(`${wrong} is not used here: ${foreign[wrong]}`, offset);
  const sign = /^(!=|[(),=~])/.exec(rest)?.[0];
  if (sign) return { kind: sign as Token["kind"], text: sign, value: sign, offset };
  if (rest[0] === '"' || rest[0] === "'") return readQuoted(rest, offset);
  const word = /^[A-Za-z0-9_./:@+*?%-]+/.exec(rest)?.[0];
  if (word) return { kind: keyword(word) ?? "word", text: word, value: word, offset };
  const char = String.fromCodePoint(rest.codePointAt(0)!);
  if (char === "<" || char === ">")
    throw new SelectorError(`${char} is not known: values are compared with =, !=, in and ~`, offset);
  throw new SelectorError(`${JSON.stringify(char)} needs quotes around the value it belongs to`, offset);
}

function keyword(word: string): "and" | "or" | "not" | "in" | undefined {
  const lower = word.toLowerCase();
  return lower === "and" || lower === "or" || lower === "not" || lower === "in" ? lower : undefined;
}

function readQuoted(rest: string, offset: number): Token {
  const end = rest[0];
  let value = "";
  for (let i = 1; i < rest.length; i++) {
    const char = rest[i]!;
    if (char === end) return { kind: "quoted", text: rest.slice(0, i + 1), value, offset };
    if (char === "\0") throw new SelectorError("a value has no NUL character", offset + i);
    if (char === "\\" && i + 1 < rest.length) value += rest[++i]!;
    else value += char;
  }
  throw new SelectorError(`this ${end} is never closed`, offset);
}
