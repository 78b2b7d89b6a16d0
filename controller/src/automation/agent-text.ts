// Text and JSON from agents made fit for PostgreSQL and for people: a host may send anything. Pure; every string of an
// event passes through here before it reaches a row.

const maxText = 4000;
const maxJsonBytes = 2 * 1024 * 1024;

/** Without NUL and lone surrogates, which PostgreSQL refuses, and cut to 4,000 characters. */
export function agentText(text: string): string {
  const clean = text.replaceAll("\u0000", "\u2400").toWellFormed();
  return clean.length <= maxText ? clean : `${clean.slice(0, maxText - 1).toWellFormed()}…`;
}

/** The object of strings that `bytes` hold; empty bytes are an empty object; undefined when they hold anything else. */
export function agentJson(bytes: Uint8Array): Record<string, string> | undefined {
  if (bytes.byteLength === 0) return {};
  if (bytes.byteLength > maxJsonBytes) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    const entries = Object.entries(value);
    if (!entries.every(([, v]) => typeof v === "string")) return undefined;
    return Object.fromEntries(entries.map(([k, v]) => [cleanJsonText(k), cleanJsonText(v as string)]));
  } catch {
    return undefined;
  }
}

const cleanJsonText = (text: string): string => text.replaceAll("\u0000", "\u2400").toWellFormed();
