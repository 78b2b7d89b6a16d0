// Facts as a flat, sorted list of dotted names and printed values, as selectors name them (`fact.os.family`). Pure.

export interface Fact {
  name: string;
  value: string;
}

export function flattenFacts(facts: Readonly<Record<string, unknown>>): Fact[] {
  const out: Fact[] = [];
  const walk = (name: string, value: unknown) => {
    if (Array.isArray(value) && value.every((item) => item === null || typeof item !== "object"))
      out.push({ name, value: value.join(", ") });
    else if (Array.isArray(value)) for (const [i, item] of value.entries()) walk(`${name}.${i}`, item);
    else if (value !== null && typeof value === "object")
      for (const [key, item] of Object.entries(value)) walk(name ? `${name}.${key}` : key, item);
    else out.push({ name, value: value === null || value === undefined ? "" : String(value) });
  };
  walk("", facts);
  return out.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}
