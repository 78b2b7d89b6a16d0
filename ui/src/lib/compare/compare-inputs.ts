// The inputs of two executions, name by name. Pure.

export interface ComparedInput {
  name: string;
  /** Undefined: not given. */
  before: string | undefined;
  after: string | undefined;
  differs: boolean;
}

type Values = Readonly<Record<string, unknown>>;

/** What differs first, then by name. */
export function compareInputs(before: Values, after: Values): ComparedInput[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  const rows = names.map((name) => {
    const [old, now] = [textOf(before, name), textOf(after, name)];
    return { name, before: old, after: now, differs: old !== now };
  });
  return [...rows.filter((row) => row.differs), ...rows.filter((row) => !row.differs)];
}

function textOf(values: Values, name: string): string | undefined {
  if (!Object.hasOwn(values, name)) return undefined;
  const value = values[name];
  return typeof value === "string" ? value : canonical(value);
}

/** JSON with sorted keys: an object is the same in whatever order it was written. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
