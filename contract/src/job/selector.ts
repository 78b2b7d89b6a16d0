// Selectors: which targets are meant. A small grammar over labels, name, os, groups, services, agents and facts, parsed to a neutral tree that
// memory (select-in-memory.ts) and SQL (the controller's assets/selector-sql.ts) evaluate with the same answer. Pure.
//
//   env=prod and role in (web, api) and fact.os.family=linux and not frozen and name~web-* and group=europe
//
// A bare word means that the label exists. `!=` and `not in` also hold where the label is missing: they are
// `not (… = …)`. `~` is a glob: * and ?. Labels and facts compare exactly, name, os and group without regard to ASCII case. A target is in a
// group also when it is in one below it; `group` alone means that it is in any. `service` is the type of
// something it offers (what is switched off counts not), `agent` the state of its agent as the console shows it.
import { agentStates } from "../states.ts";
import { SelectorError, type Token, tokenise } from "./selector-tokens.ts";

export type SelectorField =
  | { kind: "label"; key: string }
  | { kind: "name" }
  | { kind: "os" }
  | { kind: "group" }
  | { kind: "service" }
  | { kind: "agent" }
  | { kind: "fact"; path: string[] };

export type Selector =
  | { op: "and" | "or"; items: Selector[] }
  | { op: "not"; item: Selector }
  | { op: "has"; field: SelectorField }
  | { op: "is"; field: SelectorField; values: string[] }
  | { op: "like"; field: SelectorField; pattern: string };

const maxSelectorLength = 2000;
const later: Record<string, string> = {
  tag: "tags are labels here: write the label's name alone to ask whether it exists",
};

/** Throws SelectorError. */
export function parseSelector(text: string): Selector {
  if (text.length > maxSelectorLength) {
    throw new SelectorError(`a selector has at most ${maxSelectorLength} characters`, maxSelectorLength);
  }
  if (!text.isWellFormed()) throw new SelectorError("this text is broken: half of a surrogate pair", 0);
  return new Parser(tokenise(text)).parse();
}

class Parser {
  private readonly tokens: Token[];
  private at = 0;
  private depth = 0;

  constructor(tokens: Token[]) {
    this.tokens = tokens;
  }

  parse(): Selector {
    if (this.peek().kind === "end")
      throw new SelectorError("the selector is empty; write a label, name=…, os=… or group=…", 0);
    const selector = this.or();
    const rest = this.peek();
    if (rest.kind === "end") return selector;
    if (rest.kind === ")") throw new SelectorError("this ) has no (", rest.offset);
    throw new SelectorError(`expected "and" or "or" before ${rest.text}`, rest.offset);
  }

  private peek(): Token {
    return this.tokens[this.at]!;
  }

  private next(): Token {
    return this.tokens[this.at++]!;
  }

  private take(kind: Token["kind"]): boolean {
    if (this.peek().kind !== kind) return false;
    this.at++;
    return true;
  }

  private or(): Selector {
    const items = [this.and()];
    while (this.take("or")) items.push(this.and());
    return items.length === 1 ? items[0]! : { op: "or", items };
  }

  private and(): Selector {
    const items = [this.not()];
    while (this.take("and")) items.push(this.not());
    return items.length === 1 ? items[0]! : { op: "and", items };
  }

  private not(): Selector {
    if (++this.depth > 100) throw new SelectorError("this selector is nested too deeply", this.peek().offset);
    const selector: Selector = this.take("not") ? { op: "not", item: this.not() } : this.primary();
    this.depth--;
    return selector;
  }

  private primary(): Selector {
    const token = this.next();
    if (token.kind === "(") {
      const inner = this.or();
      if (!this.take(")")) throw new SelectorError("this ( has no )", token.offset);
      return inner;
    }
    if (token.kind !== "word" && token.kind !== "quoted")
      throw new SelectorError(expected("a label, name, os, group, service, agent or fact.…", token), token.offset);
    return this.comparison(fieldOf(token));
  }

  private comparison(field: SelectorField): Selector {
    const token = this.peek();
    if (token.kind === "=" || token.kind === "!=") {
      this.at++;
      const is: Selector = { op: "is", field, values: [this.valueOf(field)] };
      return token.kind === "=" ? is : { op: "not", item: is };
    }
    if (this.take("~")) return { op: "like", field, pattern: this.value(true) };
    if (this.take("in")) return this.list(field);
    if (token.kind === "not" && this.tokens[this.at + 1]?.kind === "in") {
      this.at += 2;
      return { op: "not", item: this.list(field) };
    }
    return { op: "has", field };
  }

  private list(field: SelectorField): Selector {
    const open = this.next();
    if (open.kind !== "(")
      throw new SelectorError(expected("( after in, as in: role in (web, api)", open), open.offset);
    const values = [this.valueOf(field)];
    while (this.take(",")) values.push(this.valueOf(field));
    if (!this.take(")")) throw new SelectorError(expected(") or ,", this.peek()), this.peek().offset);
    return { op: "is", field, values };
  }

  /** A state of agents that does not exist would choose nothing, for ever. */
  private valueOf(field: SelectorField): string {
    const { offset } = this.peek();
    const value = this.value();
    if (field.kind === "agent" && !agentStates.some((state) => state === value.toLowerCase()))
      throw new SelectorError(`the state of an agent is one of ${agentStates.join(", ")}`, offset);
    return value;
  }

  private value(glob = false): string {
    const token = this.next();
    if (token.kind === "quoted") return token.value;
    if (token.kind !== "word") {
      const reserved = /^(and|or|not|in)$/i.test(token.text)
        ? `: ${token.text} is a word of the grammar, so quote it`
        : "";
      throw new SelectorError(`${expected("a value", token)}${reserved}`, token.offset);
    }
    if (!glob && /[*?]/.test(token.value)) {
      throw new SelectorError(
        `patterns use ~ instead of =; for the character itself quote "${token.value}"`,
        token.offset,
      );
    }
    return token.value;
  }
}

function expected(what: string, token: Token): string {
  return `expected ${what}, found ${token.kind === "end" ? "the end" : token.text}`;
}

const plain = ["name", "os", "group", "service", "agent"] as const;
const isPlain = (word: string): word is (typeof plain)[number] => (plain as readonly string[]).includes(word);

/** A quoted word is always a label, so that labels called `name` or `and` can be asked for. */
function fieldOf(token: Token): SelectorField {
  if (token.kind === "quoted") {
    if (token.value === "") throw new SelectorError("a label has a name", token.offset);
    return { kind: "label", key: token.value };
  }
  const word = token.value;
  if (isPlain(word)) return { kind: word };
  if (Object.hasOwn(later, word)) throw new SelectorError(later[word]!, token.offset);
  if (word === "fact" || word.startsWith("fact.")) return factOf(token);
  if (!/^[A-Za-z_][A-Za-z0-9_./-]*$/.test(word)) {
    throw new SelectorError(
      `${word} is no label name: letters, digits, _ . / -, starting with a letter or _`,
      token.offset,
    );
  }
  return { kind: "label", key: word };
}

function factOf(token: Token): SelectorField {
  const path = token.value.split(".").slice(1);
  if (path.length === 0 || path.some((part) => !/^[A-Za-z0-9_-]+$/.test(part))) {
    throw new SelectorError("a fact is written fact.os.family: names separated by dots", token.offset);
  }
  return { kind: "fact", path };
}

/** The canonical text: `parseSelector` reads back the same tree. */
export function printSelector(selector: Selector): string {
  switch (selector.op) {
    case "and":
    case "or":
      return selector.items.map((item) => inner(item)).join(` ${selector.op} `);
    case "not":
      return `not ${inner(selector.item)}`;
    case "has":
      return printField(selector.field);
    case "like":
      return `${printField(selector.field)}~${quote(selector.pattern)}`;
    case "is":
      if (selector.values.length === 1) return `${printField(selector.field)}=${quote(selector.values[0]!)}`;
      return `${printField(selector.field)} in (${selector.values.map(quote).join(", ")})`;
  }
}

const inner = (item: Selector) =>
  item.op === "and" || item.op === "or" ? `(${printSelector(item)})` : printSelector(item);

function printField(field: SelectorField): string {
  if (field.kind === "fact") return `fact.${field.path.join(".")}`;
  if (field.kind !== "label") return field.kind;
  const plain =
    /^[A-Za-z_][A-Za-z0-9_./-]*$/.test(field.key) && !/^(and|or|not|in|name|os|group|fact|fact\..*)$/i.test(field.key);
  return plain && !Object.hasOwn(later, field.key) ? field.key : quote(field.key, true);
}

function quote(value: string, always: boolean | number = false): string {
  if (always !== true && /^[A-Za-z0-9_./:@+-]+$/.test(value) && !/^(and|or|not|in)$/i.test(value)) return value;
  return `"${value.replaceAll(/["\\]/g, "\\$&")}"`;
}
