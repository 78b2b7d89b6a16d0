// Where in a YAML document the cursor stands, read from indentation, because a document that is being typed does not
// parse. Understands block mappings and sequences, flow collections within a line, comments and block scalars. Pure;
// complete-job.ts is the caller.

export type YamlPath = (string | number)[];

export interface YamlSpot {
  /** `key`: a key of the mapping at `path` is being written. `value`: the value at `path`. */
  kind: "key" | "value";
  path: YamlPath;
  /** What is written of it so far, and the column where that starts. */
  word: string;
  from: number;
  /** Other keys of the mapping that the cursor is in, with their plain values. */
  siblings: Map<string, string>;
  /** For each part of the path the keys beside it, with their plain values; undefined for an item of a list. */
  around: Around;
  /** Column of the mapping's keys; undefined inside braces, where a line break would be wrong. */
  indent: number | undefined;
}

export type Around = (ReadonlyMap<string, string> | undefined)[];

interface Line {
  /** Columns of dashes before the content. */
  dashes: number[];
  /** Column of the content. */
  column: number;
  /** Undefined when the content is no `key:`. */
  key: string | undefined;
  /** What follows the colon, or the content itself, without comment. */
  value: string;
  valueColumn: number;
}

const keyPattern = /^("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s#:,[\]{}&*!|>'"%@`-][^#:]*?|-[^\s:#][^#:]*?)\s*:(?=\s|$)/;

function readLine(text: string): Line | undefined {
  const dashes: number[] = [];
  let column = text.search(/\S/);
  if (column < 0 || text[column] === "#") return undefined;
  for (let dash = /^-(\s+|$)/.exec(text.slice(column)); dash; dash = /^-(\s+|$)/.exec(text.slice(column))) {
    dashes.push(column);
    column += dash[0].length;
  }
  const content = text.slice(column);
  const match = keyPattern.exec(content);
  const valueColumn = match ? column + match[0].length + leadingSpaces(content.slice(match[0].length)) : column;
  return {
    dashes,
    column,
    key: match ? unquoted(match[1] ?? "") : undefined,
    value: withoutComment(text.slice(valueColumn)),
    valueColumn,
  };
}

const leadingSpaces = (text: string) => text.length - text.trimStart().length;
const unquoted = (text: string) => (/^(["']).*\1$/.test(text) ? text.slice(1, -1) : text);

/** The text up to a comment, without the spaces before it. */
function withoutComment(text: string): string {
  let quote = "";
  for (let i = 0; i < text.length; i += 1) {
    const char = text[i] ?? "";
    if (quote) quote = char === quote ? "" : quote;
    else if ((char === '"' || char === "'") && (i === 0 || /[\s[{,:]/.test(text[i - 1] ?? ""))) quote = char;
    else if (char === "#" && (i === 0 || /\s/.test(text[i - 1] ?? ""))) return text.slice(0, i).trimEnd();
  }
  return text.trimEnd();
}

const opensBlockScalar = (value: string) => /^(?:[&!]\S+\s+)*[|>][-+0-9]*$/.test(value);
const opensNothing = (value: string) => /^(?:[&!]\S+\s*)*$/.test(value);

/** The spot at `column` of line `at` (both from 0), or undefined where nothing can be said: comments, scripts. */
export function spotAt(lines: readonly string[], at: number, column: number): YamlSpot | undefined {
  const before = (lines[at] ?? "").slice(0, column);
  if (withoutComment(before) !== before.trimEnd()) return undefined;
  const here = readLine(before) ?? {
    dashes: [],
    column: before.length,
    key: undefined,
    value: "",
    valueColumn: before.length,
  };
  const siblings = new Map<string, string>();
  const owners = ownersOf(lines, at, here, siblings);
  if (!owners) return undefined;
  const { path, around } = owners;
  if (here.key === undefined) return spotOfContent(here, before, owners, siblings);
  if (opensBlockScalar(here.value)) return undefined;
  const value = before.slice(here.valueColumn);
  const below = { path: [...path, here.key], around: [...around, siblings] };
  if (/^[[{]/.test(value)) return spotInFlow(value, here.valueColumn, below);
  // "key:" without its space: the value has not begun.
  if (here.valueColumn === here.column + here.key.length + 1 && !/\s$/.test(before)) return undefined;
  return {
    kind: "value",
    ...below,
    word: value,
    from: here.valueColumn,
    siblings,
    indent: here.column,
  };
}

/** The path of what `column` is in, also inside of quotes and braces; undefined in scripts. */
export function pathAt(lines: readonly string[], at: number, column: number): YamlPath | undefined {
  const here = readLine((lines[at] ?? "").slice(0, column));
  const owners = here && ownersOf(lines, at, here, new Map());
  return owners && (here.key === undefined ? owners.path : [...owners.path, here.key]);
}

interface Owners {
  path: YamlPath;
  around: Around;
}

function spotOfContent(
  here: Line,
  before: string,
  owners: Owners,
  siblings: Map<string, string>,
): YamlSpot | undefined {
  const word = before.slice(here.column);
  if (/^[[{]/.test(word)) return spotInFlow(word, here.column, owners);
  if (/[:"'|>&*]/.test(word) || /\s/.test(word)) return undefined;
  return { kind: "key", ...owners, word, from: here.column, siblings, indent: here.column };
}

/**
 * The path of the collection that the content at `here` belongs to; keys beside it are put into `siblings`. Undefined
 * inside of a block scalar or under a key that has a value already.
 */
function ownersOf(lines: readonly string[], at: number, here: Line, siblings: Map<string, string>): Owners | undefined {
  const path: YamlPath = here.dashes.map(() => 0);
  const around: Around = path.map(() => undefined);
  /** Keys of the mapping that is being walked up. */
  let now: Map<string, string> | undefined = here.dashes.length > 0 ? undefined : siblings;
  let column = here.dashes[0] ?? here.column;
  // A sequence may stand at the column of the key that owns it.
  let inSequence = here.dashes.length > 0;
  siblingsBelow(lines, at, here.column, siblings);
  for (let i = at - 1; i >= 0; i -= 1) {
    const line = readLine(lines[i] ?? "");
    if (!line) continue;
    const owns = line.key !== undefined && (line.column < column || (inSequence && line.column === column));
    if (owns && line.key !== undefined) {
      if (!opensNothing(line.value)) return undefined;
      path.unshift(line.key);
      now = new Map();
      siblingsBelow(lines, at, line.column, now);
      around.unshift(now);
      [column, inSequence] = [line.column, false];
    } else if (now && line.column === column && line.key !== undefined) {
      now.set(line.key, line.value);
    }
    for (const dash of line.dashes.toReversed()) {
      if (dash >= column) continue;
      path.unshift(0);
      around.unshift(undefined);
      now = undefined;
      [column, inSequence] = [dash, true];
    }
  }
  return { path, around };
}

function siblingsBelow(lines: readonly string[], at: number, column: number, siblings: Map<string, string>): void {
  for (let i = at + 1; i < lines.length; i += 1) {
    const line = readLine(lines[i] ?? "");
    if (!line) continue;
    if ((line.dashes[0] ?? line.column) < column) return;
    if (line.column === column && line.key !== undefined && line.dashes.length === 0)
      siblings.set(line.key, line.value);
  }
}

interface Flow {
  kind: "{" | "[";
  key: string | undefined;
  siblings: Map<string, string>;
}

/** The spot at the end of `text`, which begins with a bracket at column `offset` and is the value below `outer`. */
function spotInFlow(text: string, offset: number, outer: Owners): YamlSpot | undefined {
  const open: Flow[] = [];
  const owners: YamlPath = [...outer.path];
  const around: Around = [...outer.around];
  let start = 0;
  let quote = "";
  for (let i = 0; i < text.length; i += 1) {
    const char = text[i] ?? "";
    const flow = open.at(-1);
    if (quote) quote = char === quote ? "" : quote;
    else if (char === '"' || char === "'") quote = char;
    else if (char === "{" || char === "[") {
      if (flow) {
        owners.push(flow.kind === "[" ? 0 : (flow.key ?? ""));
        around.push(flow.kind === "[" ? undefined : flow.siblings);
      }
      open.push({ kind: char, key: undefined, siblings: new Map() });
      start = i + 1;
    } else if (char === "}" || char === "]") {
      open.pop();
      if (open.length === 0) return undefined;
      owners.pop();
      around.pop();
      start = i + 1;
    } else if (char === "," && flow) {
      if (flow.key !== undefined) flow.siblings.set(flow.key, text.slice(start, i).trim());
      flow.key = undefined;
      start = i + 1;
    } else if (char === ":" && flow?.kind === "{" && flow.key === undefined && /\s|^$/.test(text[i + 1] ?? "")) {
      flow.key = unquoted(text.slice(start, i).trim());
      start = i + 1;
    }
  }
  const flow = open.at(-1);
  if (!flow || quote) return undefined;
  const word = text.slice(start).trimStart();
  const from = offset + text.length - word.length;
  const common = { word, from, siblings: flow.siblings, indent: undefined };
  if (flow.kind === "[") return { kind: "value", path: [...owners, 0], around: [...around, undefined], ...common };
  if (flow.key === undefined) return { kind: "key", path: owners, around, ...common };
  return { kind: "value", path: [...owners, flow.key], around: [...around, flow.siblings], ...common };
}
