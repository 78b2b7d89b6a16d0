// What PowerShell writes to its error stream when nobody looks at it: objects as XML ([MS-PSRP] 2.2.5). Pure.
import { elementsOf } from "./xml-text.ts";

const mark = "#< CLIXML";

/** The text of errors and warnings; of anything else it is left as it is. Progress is nobody's business. */
export function readClixml(text: string): string {
  if (!text.startsWith(mark)) return text;
  const said = elementsOf(text.slice(mark.length), "S").filter(({ attributes }) => attributes.S !== undefined);
  return said.map(({ text: one }) => plain(one)).join("");
}

/** _x000D_ is a character by its number. */
function plain(text: string): string {
  return text
    .replaceAll(/_x([0-9A-Fa-f]{4})_/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    .replaceAll("\r\n", "\n");
}
