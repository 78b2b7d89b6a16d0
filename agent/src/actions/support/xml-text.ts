// Elements of XML whose shape is known, by their local name: what zypper prints and what WS-Management answers. Entities
// of a document type are never resolved. Pure.

export interface XmlElement {
  attributes: Record<string, string>;
  /** What stands in it, with what it contains. */
  inner: string;
  /** Its own text. */
  text: string;
}

/** In order; an element within one of the same name is not found. */
export function elementsOf(xml: string, name: string): XmlElement[] {
  const found = xml.matchAll(new RegExp(`<((?:[\\w-]+:)?${name})(\\s[^>]*?)?(?:/>|>([\\s\\S]*?)</\\1\\s*>)`, "g"));
  return [...found].map(([, , attributes = "", inner = ""]) => {
    const pairs = attributes.matchAll(/([\w:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g);
    return {
      attributes: Object.fromEntries([...pairs].map(([, key, double, single]) => [key, plainText(double ?? single!)])),
      inner,
      text: plainText(inner.replaceAll(/<[^>]*>/g, "")),
    };
  });
}

const entities: Record<string, string> = { lt: "<", gt: ">", amp: "&", apos: "'", quot: '"' };

export function plainText(text: string): string {
  return text.replaceAll(/&(?:#x([0-9a-fA-F]{1,6})|#(\d{1,7})|(lt|gt|amp|apos|quot));/g, (_, hex, decimal, name) => {
    if (name !== undefined) return entities[name]!;
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : "";
  });
}

/** For text and for attributes in double quotes. Characters that XML has no way to write are refused. */
export function xmlEscape(text: string): string {
  if (/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/.test(text) || !text.isWellFormed())
    throw new Error("it has a control character, which cannot be sent");
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("\r", "&#13;")
    .replaceAll("\n", "&#10;")
    .replaceAll("\t", "&#9;");
}
