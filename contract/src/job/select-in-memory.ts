// What a selector means, without a database: the model that the SQL form (assets/selector-sql.ts) is tested against. Pure.
import type { AgentState } from "../states.ts";
import { matchesGlob } from "./glob.ts";
import type { Selector, SelectorField } from "./selector.ts";

/** What a selector looks at. `facts` is the nested object the agent reports. */
export interface SelectorSubject {
  name: string;
  os: string | null;
  labels: Record<string, string>;
  /** Names of the groups it is in, and of those above them. */
  groups: readonly string[];
  /** Types of the services that it offers, without those that are switched off. */
  services: readonly string[];
  /** Null: nobody's agent looks after it. */
  agentState: AgentState | null;
  facts: Record<string, unknown>;
}

/** The answer in memory; `selectorSql` gives the same from the database (a property test holds them together). */
export function selects(selector: Selector, subject: SelectorSubject): boolean {
  switch (selector.op) {
    case "and":
      return selector.items.every((item) => selects(item, subject));
    case "or":
      return selector.items.some((item) => selects(item, subject));
    case "not":
      return !selects(selector.item, subject);
    case "has":
      return fieldTexts(selector.field, subject).length > 0;
    case "is":
      return fieldTexts(selector.field, subject).some((text) =>
        selector.values.some((value) => comparable(selector.field, value) === text),
      );
    case "like": {
      const pattern = comparable(selector.field, selector.pattern);
      return fieldTexts(selector.field, subject).some((text) => matchesGlob(pattern, text));
    }
  }
}

/** Values of labels and facts are compared as they are, all others in lower case. */
export function comparable({ kind }: SelectorField, value: string): string {
  return kind === "label" || kind === "fact" ? value : asciiLower(value);
}

/** A to Z only: what `lower(… collate "C")` does, so that no Unicode table has a say. */
const asciiLower = (text: string) => text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());

/** A target has several groups and services; of everything else one value, or none. */
function fieldTexts(field: SelectorField, subject: SelectorSubject): string[] {
  if (field.kind === "group") return subject.groups.map(asciiLower);
  if (field.kind === "service") return subject.services.map(asciiLower);
  const text = fieldText(field, subject);
  return text === undefined ? [] : [text];
}

function fieldText(
  field: Exclude<SelectorField, { kind: "group" | "service" }>,
  subject: SelectorSubject,
): string | undefined {
  if (field.kind === "label") return Object.hasOwn(subject.labels, field.key) ? subject.labels[field.key] : undefined;
  if (field.kind === "name") return asciiLower(subject.name);
  if (field.kind === "os") return subject.os === null ? undefined : asciiLower(subject.os);
  if (field.kind === "agent") return subject.agentState ?? undefined;
  return factText(factAt(subject.facts, field.path));
}

/** As PostgreSQL's `#>`: a number is a place in a list, counted from the end when negative. */
function factAt(facts: unknown, path: readonly string[]): unknown {
  let value = facts;
  for (const part of path) {
    if (Array.isArray(value)) value = /^-?\d+$/.test(part) ? value.at(Number(part)) : undefined;
    else if (typeof value === "object" && value !== null && Object.hasOwn(value, part)) {
      value = (value as Record<string, unknown>)[part];
    } else return undefined;
  }
  return value;
}

/** Texts, numbers and truth values have a text; lists, mappings and null have none. */
function factText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return String(value);
  return typeof value === "number" && Number.isFinite(value) ? plainDecimal(value) : undefined;
}

/** The values that have this text: the text itself, and the number or truth value that prints so. */
export function factValues(text: string): (string | number | boolean)[] {
  if (text === "true" || text === "false") return [text, text === "true"];
  const number = Number(text);
  return text !== "" && Number.isFinite(number) && plainDecimal(number) === text ? [text, number] : [text];
}

/** 1e21 as 1000000000000000000000 and 1e-7 as 0.0000001: what a numeric column prints. */
function plainDecimal(value: number): string {
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(String(value));
  if (!match) return String(value === 0 ? 0 : value);
  const digits = match[2]! + (match[3] ?? "");
  const point = 1 + Number(match[4]);
  if (point <= 0) return `${match[1]}0.${"0".repeat(-point)}${digits}`;
  return `${match[1]}${digits.padEnd(point, "0")}`;
}
