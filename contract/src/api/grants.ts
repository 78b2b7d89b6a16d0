// Rights: roles that people make themselves, roles given within a scope, and why somebody may do something.
import * as z from "zod";
import { permissions } from "../permissions.ts";
import { id, instant, lineText, storableText } from "./common.ts";

const roleName = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$/, "small letters, digits and dashes, at most 64; no dash at the ends");
const held = z.array(z.enum(permissions)).max(permissions.length).describe("each once; `*` belongs to admin alone");
const description = lineText(500);

export const roleInput = z.strictObject({ name: roleName, description: description.default(""), permissions: held });
export const rolePatch = z.strictObject({ name: roleName, description, permissions: held }).partial();

const idOrName = z.string().min(1).max(128);

/** What a grant is bound to, as it is asked for. */
export const scopeInput = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("everything") }),
  z.strictObject({ kind: z.literal("group"), group: idOrName.describe("with the groups below it") }),
  z.strictObject({ kind: z.literal("selector"), selector: lineText(2000).min(1) }),
  z.strictObject({ kind: z.literal("job"), job: idOrName }),
]);
export type ScopeInput = z.infer<typeof scopeInput>;

const lockedInputs = z
  .record(
    z.string().regex(/^[A-Za-z][A-Za-z0-9_]{0,62}$/, "must be the name of an input"),
    z.union([storableText(4096), z.number(), z.boolean(), z.array(storableText(4096)).max(1000)], {
      error: "must be text, a number, true or false, or a list of texts",
    }),
  )
  .refine((inputs) => Object.keys(inputs).length <= 20, "at most 20 inputs")
  .refine((inputs) => JSON.stringify(inputs).length <= 4096, "must be at most 4 KiB as JSON")
  .describe("jobs are run by this grant only with these inputs, and only jobs that have them");
export type LockedInputs = z.infer<typeof lockedInputs>;

export const grantInput = z.strictObject({
  role: z.string().min(1).max(64),
  scope: scopeInput,
  ownExecutions: z.boolean().default(false).describe("of executions only those that the user starts"),
  lockedInputs: lockedInputs.default({}),
});
export type GrantInput = z.input<typeof grantInput>;

export const grant = z.object({
  id,
  role: z.string(),
  scope: z.object({
    kind: z.enum(["everything", "group", "selector", "job"]),
    id: id.nullable().describe("of the group or job"),
    name: z.string().nullable().describe("of the group or job; the selector's text"),
  }),
  ownExecutions: z.boolean(),
  lockedInputs,
  createdAt: instant,
  createdByName: z.string().nullable(),
});
export type Grant = z.infer<typeof grant>;

export const explainQuery = z.object({
  user: idOrName.optional().describe("id or name; yourself when missing"),
  permission: z.enum(permissions),
  target: idOrName.optional(),
  job: idOrName.optional(),
  agent: idOrName.optional(),
  execution: idOrName.optional().describe("id or number"),
});

export const explanation = z.object({
  allowed: z.boolean(),
  sentence: z.string(),
  user: z.string(),
  permission: z.enum(permissions),
  object: z.object({ kind: z.string(), id, name: z.string() }).nullable(),
  decidedBy: z
    .discriminatedUnion("kind", [
      z.object({ kind: z.literal("role"), role: z.string() }),
      z.object({ kind: z.literal("grant"), grant }),
    ])
    .nullable()
    .describe("the first that allows it; null when nothing does"),
  alsoBy: z.number().int().describe("how many more would allow it without that one"),
  roles: z.array(z.string()).describe("when it is not allowed: roles that would allow it"),
  givers: z.array(z.string()).describe("when it is not allowed: users who can grant it"),
});
export type Explanation = z.infer<typeof explanation>;
