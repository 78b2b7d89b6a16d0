// A selector from a request, or a refusal that says where it is wrong. Called by list and resolve.
import { OcError } from "@opsconductor/contract/errors";
import { parseSelector, type Selector } from "@opsconductor/contract/job/selector";
import { SelectorError } from "@opsconductor/contract/job/selector-tokens";

export function readSelector(text: string, path = "select"): Selector {
  try {
    return parseSelector(text);
  } catch (error) {
    if (!(error instanceof SelectorError)) throw error;
    const place = { path, message: error.message, line: 1, column: error.offset + 1 };
    const message = `The selector cannot be read at character ${error.offset + 1}: ${error.message}.`;
    throw new OcError("invalid_argument", message, { cause: error, errors: [place] });
  }
}
