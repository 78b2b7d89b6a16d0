// What the package managers' readers share: lines, names without a version, and a failure with the manager's own words.
import { ActionFailed } from "../action.ts";
import type { ProgramEnd } from "./run-program.ts";

export const linesOf = (text: string) => text.split("\n").filter(Boolean);

export function nameAndVersion(name: string): { name: string; version: string | undefined } {
  const at = name.indexOf("=");
  return at === -1 ? { name, version: undefined } : { name: name.slice(0, at), version: name.slice(at + 1) };
}

/** The last lines are what went wrong; before them stands what went well. */
export function managerFailed(what: string, { code, stdout, stderr }: ProgramEnd): ActionFailed {
  const said = linesOf(stderr.trim() || stdout.trim());
  return new ActionFailed(`${what} failed (${code}): ${said.slice(-3).join(" | ")}`);
}
