// PostgreSQL stores every text but two kinds: with a NUL character, and with half of a surrogate pair. Asked before
// text of a request becomes a parameter, so that it is a refusal and not an error of the database.

export function isStorable(text: string): boolean {
  return !text.includes("\0") && text.isWellFormed();
}

/** Where in `value` the first text is that cannot be stored, dotted; undefined when all can. */
export function unstorablePath(value: unknown, path: readonly string[] = []): string | undefined {
  if (typeof value === "string") return isStorable(value) ? undefined : path.join(".");
  if (typeof value !== "object" || value === null) return undefined;
  for (const [key, item] of Object.entries(value)) {
    const found = unstorablePath(key, [...path, key]) ?? unstorablePath(item, [...path, key]);
    if (found !== undefined) return found;
  }
  return undefined;
}
