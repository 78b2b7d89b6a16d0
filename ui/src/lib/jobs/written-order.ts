// The order in which a definition writes its inputs and stages: the database keeps none. Pure; for forms and pages that
// show them as their author meant them.

/** The entries of `values`, the mapping below the key `owner`, as `definition` (YAML or JSON) writes them. */
export function inWrittenOrder<T>(
  values: Readonly<Record<string, T>>,
  definition: string,
  owner: string,
): [string, T][] {
  const text = definition.slice(Math.max(0, definition.search(new RegExp(`(?:^|[\\s{,])["']?${owner}["']?\\s*:`))));
  const placeOf = (key: string) => {
    const name = `["']?${key}["']?\\s*:`;
    // A line of its own first: a key inside of another entry may have the same name.
    const found = [new RegExp(`^ +${name}`, "m"), new RegExp(`[\\s{,]${name}`)].map((pattern) => text.search(pattern));
    return found.find((at) => at >= 0) ?? text.length;
  };
  const placed = Object.entries(values).map(([key, value]) => ({ key, value, at: placeOf(key) }));
  return placed.sort((a, b) => a.at - b.at).map(({ key, value }) => [key, value]);
}
