// What an audit entry changed, field by field, for its page. Pure.

export interface FieldChange {
  /** Dotted path into the object. */
  path: string;
  before: string | undefined;
  after: string | undefined;
}

type Values = Record<string, unknown> | null;

/** Fields that differ, in the order of their names; everything when only one side is there. */
export function changesOf(before: Values, after: Values): FieldChange[] {
  const [old, now] = [flatten(before), flatten(after)];
  const paths = [...new Set([...old.keys(), ...now.keys()])].sort();
  return paths
    .map((path) => ({ path, before: old.get(path), after: now.get(path) }))
    .filter((change) => change.before !== change.after);
}

function flatten(values: Values, prefix = ""): Map<string, string> {
  const found = new Map<string, string>();
  for (const [key, value] of Object.entries(values ?? {})) {
    const path = prefix ? `${prefix}.${key}` : key;
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    if (isObject && Object.keys(value).length > 0)
      for (const [inner, text] of flatten(value as Values, path)) found.set(inner, text);
    else found.set(path, typeof value === "string" ? value : JSON.stringify(value));
  }
  return found;
}
