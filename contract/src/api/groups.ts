// Groups of targets: a forest that selectors (`group=`) and grants refer to, always with what lies below.
import * as z from "zod";
import { id, instant, name, storableText } from "./common.ts";

const idOrName = z.string().min(1).max(128);
const description = storableText(2000);
const parent = idOrName.nullable().describe("id or name of the group above; null: none");

export const group = z.object({
  id,
  name: z.string(),
  description: z.string(),
  parentId: id.nullable(),
  targetCount: z.number().int().describe("targets that were put in this group itself"),
  totalCount: z.number().int().describe("targets in it or in a group below, each once"),
  createdAt: instant,
  updatedAt: instant,
  revision: z.number().int(),
  canWrite: z
    .boolean()
    .describe("the caller may put targets into it and take them out: those that are theirs to change"),
});
export type Group = z.infer<typeof group>;

export const groupInput = z.strictObject({
  name,
  description: description.default(""),
  parent: parent.default(null),
});
export const groupPatch = z.strictObject({ name, description, parent }).partial();

const targetNames = z.array(idOrName).max(1000);
/** POST groups/{idOrName}/targets. */
export const groupTargets = z.strictObject({ add: targetNames.default([]), remove: targetNames.default([]) });
/** PUT targets/{idOrName}/groups. */
export const targetGroups = z.strictObject({
  groups: z.array(idOrName).max(100).describe("all groups that the target is in from now on"),
});
