// List state lives in the query string: one schema per page says which parameters there are, how they read and
// what is left out. Pure; `use-url-state.svelte.ts` binds it to the router.

/** A parameter: text, one of a closed list, or a comma-separated set. The default is never written. */
export type Param =
  | { kind: "text"; default?: string }
  | { kind: "choice"; of: readonly string[]; default: string }
  | { kind: "set" };

export type UrlSchema = Record<string, Param>;

export type UrlState<S extends UrlSchema> = {
  [K in keyof S]: S[K] extends { kind: "set" }
    ? string[]
    : S[K] extends { kind: "choice"; of: readonly (infer C extends string)[] }
      ? C
      : string;
};

type Search = Pick<URLSearchParams, "get">;

function readOne(param: Param, raw: string | null): string | string[] {
  if (param.kind === "set")
    return raw
      ? raw
          .split(",")
          .filter((item) => item !== "")
          .map(decodeItem)
      : [];
  if (param.kind === "choice") return raw !== null && param.of.includes(raw) ? raw : param.default;
  return raw ?? param.default ?? "";
}

// A comma inside an item is escaped, so that any item survives the round trip.
const encodeItem = (item: string) => item.replaceAll("%", "%25").replaceAll(",", "%2C");
const decodeItem = (item: string) => item.replaceAll("%2C", ",").replaceAll("%25", "%");

/** What the address says now; unknown values fall back to the default. */
export function readUrlState<S extends UrlSchema>(schema: S, search: Search): UrlState<S> {
  const entries = Object.entries(schema).map(([name, param]) => [name, readOne(param, search.get(name))]);
  return Object.fromEntries(entries) as UrlState<S>;
}

/** The query string for `state`, parameters of other owners kept; "" when everything is at its default. */
export function writeUrlState<S extends UrlSchema>(schema: S, state: UrlState<S>, current: string): string {
  const search = new URLSearchParams(current);
  for (const [name, param] of Object.entries(schema)) {
    const value = state[name] as string | string[];
    const text = Array.isArray(value) ? value.map(encodeItem).join(",") : value;
    const fallback = param.kind === "set" ? "" : (param.default ?? "");
    if (text === fallback) search.delete(name);
    else search.set(name, text);
  }
  const written = search.toString();
  return written === "" ? "" : `?${written}`;
}
