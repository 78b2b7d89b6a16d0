// Turns event bodies and offers into JSON text and back, with bigint and bytes marked; the sqlite journal stores it so
// that `sqlite3 journal.db` stays readable to a person in trouble.

const bigintMark = "$n";
const bytesMark = "$b";

export function encodeBody(value: object): string {
  return JSON.stringify(mark(value));
}

export function decodeBody<T>(text: string): T {
  return JSON.parse(text, (_key, v: unknown) => {
    if (typeof v !== "object" || v === null) return v;
    if (bigintMark in v) return BigInt(v[bigintMark] as string);
    if (bytesMark in v) return new Uint8Array(Buffer.from(v[bytesMark] as string, "base64"));
    return v;
  }) as T;
}

// Before JSON.stringify, because Buffer's own toJSON would run ahead of a replacer.
function mark(value: unknown): unknown {
  if (typeof value === "bigint") return { [bigintMark]: value.toString() };
  if (value instanceof Uint8Array)
    return { [bytesMark]: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64") };
  if (Array.isArray(value)) return value.map(mark);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, mark(v)]));
}
