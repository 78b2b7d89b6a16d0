// The pseudo locale en-XA: every message accented and a third longer, so that tests see bare strings, clipped
// text and layouts that only fit English. Loaded only when the locale preference asks for it.
const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const accented = "áƀçðéƒĝĥîĵķļɱñöþǫŕšţûṽŵẋýžÅƁÇÐÉƑĜĤÎĴĶĻṀÑÖÞǪŔŠŢÛṼŴẊÝŽ";
const accents = new Map([...plain].map((letter, i) => [letter, [...accented][i] ?? letter]));

/** `[Šéàŕçĥ ···]`: the same text, unmistakably from the messages file. */
export function pseudoText(text: string): string {
  const body = [...text].map((letter) => accents.get(letter) ?? letter).join("");
  return `[${body}${" ·".repeat(Math.ceil(text.length / 6))}]`;
}

/** The pseudo form of a tree of strings and functions, with the same shape. */
export function pseudo<T>(messages: T): T {
  if (typeof messages === "string") return pseudoText(messages) as T;
  if (typeof messages === "function")
    return ((...args: unknown[]) => pseudoText(String((messages as (...a: unknown[]) => unknown)(...args)))) as T;
  if (messages === null || typeof messages !== "object") return messages;
  if (Array.isArray(messages)) return messages.map(pseudo) as T;
  return Object.fromEntries(Object.entries(messages).map(([key, value]) => [key, pseudo(value)])) as T;
}
