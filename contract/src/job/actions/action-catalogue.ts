// Every action by its name. parse-job.ts checks steps against it, the agent runs what it names, the documentation and
// the console's page are made from it. Pure.
import type * as z from "zod";
import type { ActionSpec } from "./action-spec.ts";
import { fileActions } from "./file-actions.ts";
import { flowActions } from "./flow-actions.ts";
import { remoteActions } from "./remote-actions.ts";
import { systemActions } from "./system-actions.ts";

export const actionCatalogue = {
  ...fileActions,
  ...flowActions,
  ...systemActions,
  ...remoteActions,
} as const satisfies Record<string, ActionSpec>;
export type ActionName = keyof typeof actionCatalogue;
export type ActionParameters<N extends ActionName> = z.infer<(typeof actionCatalogue)[N]["parameters"]>;

export const actionNames = Object.keys(actionCatalogue) as ActionName[];

export function findAction(name: string): ActionSpec | undefined {
  return Object.hasOwn(actionCatalogue, name) ? actionCatalogue[name as ActionName] : undefined;
}
