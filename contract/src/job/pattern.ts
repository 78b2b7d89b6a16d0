// Regular expressions of inputs, matched in linear time. The engine of JavaScript backtracks: `^(a+)+$` from a job
// would hang controller, agent and browser on 40 letters. This is Thompson's simulation over the common syntax
// (RE2's, without captures); what it lacks (backreferences, lookaround) is refused with the reason. Pure.

/** Inclusive ranges of code points. */
type Ranges = readonly (readonly [number, number])[];
type Assertion = "start" | "end" | "word" | "notWord";
type Tree =
  | { kind: "set"; ranges: Ranges; not: boolean }
  | { kind: "assert"; what: Assertion }
  | { kind: "all"; items: Tree[] }
  | { kind: "any"; items: Tree[] }
  | { kind: "repeat"; item: Tree; min: number; max: number };
type Instruction =
  | { op: "set"; ranges: Ranges; not: boolean }
  | { op: "assert"; what: Assertion }
  | { op: "split"; to: number; or: number }
  | { op: "match" };

export interface Pattern {
  readonly program: readonly Instruction[];
}

export class PatternError extends Error {
  override readonly name = "PatternError";
  readonly offset: number;
  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

/** Repetition multiplies the program: `((a{100}){100}){100}` stops here. */
const maxInstructions = 2000;

/** Throws PatternError with the offset of what is wrong. */
export function compilePattern(source: string): Pattern {
  const tree = new PatternParser(source).parse();
  const program: Instruction[] = [];
  emit(tree, program);
  program.push({ op: "match" });
  return { program };
}

/** Whether any part of `text` matches; time grows with text length times pattern length, never faster. */
export function matchesPattern({ program }: Pattern, text: string): boolean {
  const points = Array.from(text, (char) => char.codePointAt(0)!);
  let current = new Set<number>();
  for (let position = 0; position <= points.length; position++) {
    follow(program, 0, current, points, position);
    if (current.has(program.length - 1)) return true;
    if (position === points.length) return false;
    const next = new Set<number>();
    for (const index of current) {
      const step = program[index]!;
      if (step.op === "set" && inSet(step, points[position]!)) follow(program, index + 1, next, points, position + 1);
    }
    current = next;
  }
  return false;
}

/** Adds `index` and everything reachable from it without consuming a character. */
function follow(program: readonly Instruction[], index: number, into: Set<number>, points: number[], at: number): void {
  const waiting = [index];
  while (waiting.length > 0) {
    const next = waiting.pop()!;
    if (into.has(next)) continue;
    into.add(next);
    const step = program[next]!;
    if (step.op === "split") waiting.push(step.to, step.or);
    else if (step.op === "assert" && holds(step.what, points, at)) waiting.push(next + 1);
  }
}

function holds(what: Assertion, points: number[], at: number): boolean {
  if (what === "start") return at === 0;
  if (what === "end") return at === points.length;
  const border = isWord(points[at - 1]) !== isWord(points[at]);
  return what === "word" ? border : !border;
}

const isWord = (point: number | undefined) => point !== undefined && inSet({ ranges: classes.w!, not: false }, point);

function inSet({ ranges, not }: { ranges: Ranges; not: boolean }, point: number): boolean {
  return ranges.some(([low, high]) => point >= low && point <= high) !== not;
}

function emit(tree: Tree, program: Instruction[]): void {
  if (program.length > maxInstructions) throw new PatternError("this pattern repeats too much", 0);
  if (tree.kind === "set") program.push({ op: "set", ranges: tree.ranges, not: tree.not });
  else if (tree.kind === "assert") program.push({ op: "assert", what: tree.what });
  else if (tree.kind === "all") for (const item of tree.items) emit(item, program);
  else if (tree.kind === "any") emitAny(tree.items, program);
  else emitRepeat(tree, program);
}

function emitAny(items: Tree[], program: Instruction[]): void {
  const exits: { op: "split"; to: number; or: number }[] = [];
  items.forEach((item, index) => {
    const last = index === items.length - 1;
    const fork = { op: "split" as const, to: program.length + 1, or: 0 };
    if (!last) program.push(fork);
    emit(item, program);
    if (last) return;
    const exit = { op: "split" as const, to: 0, or: 0 };
    program.push(exit);
    exits.push(exit);
    fork.or = program.length;
  });
  for (const exit of exits) exit.to = exit.or = program.length;
}

function emitRepeat({ item, min, max }: { item: Tree; min: number; max: number }, program: Instruction[]): void {
  for (let i = 0; i < min; i++) {
    const before = program.length;
    emit(item, program);
    // `(){1000}` inside the same, three deep, would loop a thousand million times for nothing.
    if (program.length === before) break;
  }
  if (max === Number.POSITIVE_INFINITY) {
    const fork = { op: "split" as const, to: program.length + 1, or: 0 };
    program.push(fork);
    emit(item, program);
    const back = program.indexOf(fork);
    program.push({ op: "split", to: back, or: back });
    fork.or = program.length;
    return;
  }
  const forks: { op: "split"; to: number; or: number }[] = [];
  for (let i = min; i < max; i++) {
    const fork = { op: "split" as const, to: program.length + 1, or: 0 };
    program.push(fork);
    forks.push(fork);
    emit(item, program);
  }
  for (const fork of forks) fork.or = program.length;
}

const top = 0x10ffff;
const classes: Record<string, Ranges> = {
  d: [[48, 57]],
  w: [
    [48, 57],
    [65, 90],
    [95, 95],
    [97, 122],
  ],
  s: [
    [9, 13],
    [32, 32],
  ],
};
const escapes: Record<string, number> = { n: 10, r: 13, t: 9, f: 12, v: 11 };

class PatternParser {
  private readonly source: string;
  private at = 0;
  private depth = 0;

  constructor(source: string) {
    this.source = source;
  }

  parse(): Tree {
    const tree = this.alternatives();
    if (this.at < this.source.length) this.fail("this ) has no (");
    return tree;
  }

  private fail(message: string, at = this.at): never {
    throw new PatternError(message, at);
  }

  private alternatives(): Tree {
    if (++this.depth > 50) this.fail("groups are nested too deeply");
    const items = [this.sequence()];
    while (this.source[this.at] === "|") {
      this.at++;
      items.push(this.sequence());
    }
    this.depth--;
    return items.length === 1 ? items[0]! : { kind: "any", items };
  }

  private sequence(): Tree {
    const items: Tree[] = [];
    while (this.at < this.source.length && this.source[this.at] !== "|" && this.source[this.at] !== ")") {
      items.push(this.repeated());
    }
    return { kind: "all", items };
  }

  private repeated(): Tree {
    const item = this.atom();
    const bounds = this.bounds();
    if (!bounds) return item;
    // Lazy or greedy makes no difference when only a match is asked for.
    if (this.source[this.at] === "?") this.at++;
    if (/[*+]/.test(this.source[this.at] ?? "")) this.fail("nothing to repeat");
    return { kind: "repeat", item, ...bounds };
  }

  private bounds(): { min: number; max: number } | undefined {
    const char = this.source[this.at];
    const simple = { "*": [0, Number.POSITIVE_INFINITY], "+": [1, Number.POSITIVE_INFINITY], "?": [0, 1] }[char ?? ""];
    if (simple) {
      this.at++;
      return { min: simple[0]!, max: simple[1]! };
    }
    const match = /^\{(\d{1,4})(?:(,)(\d{0,4}))?\}/.exec(this.source.slice(this.at, this.at + 12));
    if (!match) return char === "{" ? this.fail("write \\{ for the character, or {2,5} for a repetition") : undefined;
    const min = Number(match[1]);
    const max = match[2] ? (match[3] ? Number(match[3]) : Number.POSITIVE_INFINITY) : min;
    if (max < min) this.fail("the repetition ends before it starts");
    if (Math.max(min, max === Number.POSITIVE_INFINITY ? 0 : max) > 1000) this.fail("at most 1000 repetitions");
    this.at += match[0].length;
    return { min, max };
  }

  private atom(): Tree {
    const char = String.fromCodePoint(this.source.codePointAt(this.at)!);
    if (char === "(") return this.group();
    if (char === "[") return this.set();
    if (char === "\\") return this.escape();
    if (/[*+?{]/.test(char)) this.fail("nothing to repeat");
    this.at += char.length;
    if (char === ".")
      return {
        kind: "set",
        ranges: [
          [10, 10],
          [13, 13],
        ],
        not: true,
      };
    if (char === "^") return { kind: "assert", what: "start" };
    if (char === "$") return { kind: "assert", what: "end" };
    const point = char.codePointAt(0)!;
    return { kind: "set", ranges: [[point, point]], not: false };
  }

  private group(): Tree {
    const start = this.at++;
    if (this.source.startsWith("?:", this.at)) this.at += 2;
    else if (this.source[this.at] === "?")
      this.fail("only plain groups and (?: ) are known: no lookaround, no names", start);
    const inner = this.alternatives();
    if (this.source[this.at] !== ")") this.fail("this ( has no )", start);
    this.at++;
    return inner;
  }

  private escape(): Tree {
    const letter = this.source[this.at + 1];
    if (letter === "b" || letter === "B") {
      this.at += 2;
      return { kind: "assert", what: letter === "b" ? "word" : "notWord" };
    }
    const found = this.escaped();
    return typeof found === "number"
      ? { kind: "set", ranges: [[found, found]], not: false }
      : { kind: "set", ranges: found, not: false };
  }

  /** One character, or the ranges of a class like \d. */
  private escaped(): number | Ranges {
    const start = this.at;
    const char = this.source[++this.at];
    this.at++;
    if (char === undefined) return this.fail("a \\ stands at the end", start);
    const ranges = classes[char.toLowerCase()];
    if (ranges) return char === char.toLowerCase() ? ranges : complement(ranges);
    if (escapes[char] !== undefined) return escapes[char];
    if (/[1-9]/.test(char)) this.fail("references to a group (\\1) are not known", start);
    if (/[A-Za-z0]/.test(char)) this.fail(`\\${char} is not known; letters, digits and spaces are \\w \\d \\s`, start);
    return char.codePointAt(0)!;
  }

  private set(): Tree {
    const start = this.at++;
    const not = this.source[this.at] === "^";
    if (not) this.at++;
    const ranges: [number, number][] = [];
    while (this.source[this.at] !== "]") {
      if (this.at >= this.source.length) this.fail("this [ has no ]", start);
      this.setItem(ranges);
    }
    this.at++;
    return { kind: "set", ranges, not };
  }

  private setItem(ranges: [number, number][]): void {
    const low = this.setChar();
    const isRange =
      this.source[this.at] === "-" && this.source[this.at + 1] !== "]" && this.at + 1 < this.source.length;
    if (typeof low !== "number") {
      ranges.push(...low.map(([from, to]): [number, number] => [from, to]));
      return;
    }
    if (!isRange) {
      ranges.push([low, low]);
      return;
    }
    const start = this.at++;
    const high = this.setChar();
    if (typeof high !== "number") return void this.fail("a range ends with one character", start);
    if (high < low) this.fail("this range ends before it starts", start);
    ranges.push([low, high]);
  }

  private setChar(): number | Ranges {
    if (this.source[this.at] === "\\") return this.escaped();
    const point = this.source.codePointAt(this.at)!;
    this.at += point > 0xffff ? 2 : 1;
    return point;
  }
}

function complement(ranges: Ranges): Ranges {
  const result: [number, number][] = [];
  let next = 0;
  for (const [low, high] of ranges) {
    if (low > next) result.push([next, low - 1]);
    next = high + 1;
  }
  result.push([next, top]);
  return result;
}
