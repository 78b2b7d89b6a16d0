// What an audit entry changed, field by field, for its page. Pure.

export interface FieldChange {
  /** Dotted path into the object. */
  path: string;
  before: string | undefined;
  after: string | undefined;
}

type Values = Record<string, unknown> | null;

/** Fields that differ, in the order of their names; everything when only one side is there. Of lists what went and came. */
export function changesOf(before: Values, after: Values): FieldChange[] {
  const [old, now] = [flatten(before), flatten(after)];
  const paths = [...new Set([...old.keys(), ...now.keys()])].sort();
  return paths.map((path) => changeOf(path, old.get(path), now.get(path))).filter((it) => it.before !== it.after);
}

function changeOf(path: string, old: unknown, now: unknown): FieldChange {
  if (!isPlainList(old) || !isPlainList(now)) return { path, before: textOf(old), after: textOf(now) };
  const [gone, come] = [without(old, now), without(now, old)];
  // The same entries in another order, or one of them more often: only the whole lists say that.
  if (gone.length + come.length === 0) return { path, before: textOf(old), after: textOf(now) };
  return { path, before: entriesOf(gone), after: entriesOf(come) };
}

const isPlainList = (value: unknown): value is unknown[] =>
  Array.isArray(value) && value.every((entry) => typeof entry !== "object" || entry === null);
const without = (list: readonly unknown[], other: readonly unknown[]) => list.filter((entry) => !other.includes(entry));
const entriesOf = (list: readonly unknown[]) => (list.length === 0 ? undefined : list.map(String).join(", "));

function textOf(value: unknown): string | undefined {
  if (isPlainList(value) && value.length > 0) return entriesOf(value);
  return typeof value === "string" || value === undefined ? value : JSON.stringify(value);
}

function flatten(values: Values, prefix = ""): Map<string, unknown> {
  const found = new Map<string, unknown>();
  for (const [key, value] of Object.entries(values ?? {})) {
    const path = prefix ? `${prefix}.${key}` : key;
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    if (isObject && Object.keys(value).length > 0)
      for (const [inner, leaf] of flatten(value as Values, path)) found.set(inner, leaf);
    else found.set(path, value);
  }
  return found;
}
