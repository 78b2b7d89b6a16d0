// Inputs that a grant binds, between the lines that people type and what the API takes. Pure.
import type { GrantInput } from "../api/types.ts";
import { access } from "../messages/areas/access.ts";

export type Locked = NonNullable<GrantInput["lockedInputs"]>;

/** `env = staging`, one a line. What reads as a number, true, false or a list is one; quotes make it text. */
export function readLocked(text: string): { values: Locked; error?: string } {
  const values: Locked = {};
  for (const line of text.split("\n").filter((each) => each.trim() !== "")) {
    const [, name, value] = /^\s*([A-Za-z][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (name === undefined) return { values, error: access.grants.lockedWrong(line.trim()) };
    values[name] = readValue(value!);
  }
  return { values };
}

function readValue(text: string): Locked[string] {
  try {
    const value = JSON.parse(text) as unknown;
    const isList = Array.isArray(value) && value.every((item) => typeof item === "string");
    return isList || ["string", "number", "boolean"].includes(typeof value) ? (value as Locked[string]) : text;
  } catch {
    return text; // not JSON: the text itself
  }
}

/** As it is typed, so that a text that looks like a number stays a text. */
export function writeLocked(values: Locked): string[] {
  return Object.entries(values).map(([name, value]) => {
    const plain = typeof value === "string" && readValue(value) === value && value === value.trim();
    return `${name} = ${plain ? value : JSON.stringify(value)}`;
  });
}
