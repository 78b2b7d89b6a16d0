// A person's own profile and preferences. Called by PATCH auth/me, and GET and PATCH auth/preferences.

import { type Preferences, preferences, type profilePatch } from "@opsconductor/contract/api/account";
import type { User } from "@opsconductor/contract/api/auth";
import type { z } from "zod";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context } from "../context.ts";
import { toUser } from "./current-user.ts";
import { ownRow } from "./own-factors.ts";
import { auditedUser, userObject } from "./present-user.ts";
import { mergePreferences, selectPreferences, updateUserColumns } from "./user-queries.ts";

export async function changeProfile(ctx: Context, actor: Actor, patch: z.infer<typeof profilePatch>): Promise<User> {
  return ctx.sql.begin(async (tx) => {
    const before = await ownRow(tx, actor);
    await updateUserColumns(tx, before.id, patch, undefined, ctx.now());
    const after = await ownRow(tx, actor);
    const values = { before: auditedUser(before), after: auditedUser(after) };
    await writeAudit(ctx, tx, actor, { action: "user.profile_changed", object: userObject(after), ...values });
    return toUser(after);
  });
}

/** Values of an older version that are none any more are left out. */
export async function readPreferences(ctx: Pick<Context, "sql">, actor: Actor): Promise<Preferences> {
  const stored = await selectPreferences(ctx.sql, actor.id!);
  const known = Object.entries(preferences.shape).filter(([key, shape]) => shape.safeParse(stored[key]).success);
  return Object.fromEntries(known.flatMap(([key]) => (stored[key] === undefined ? [] : [[key, stored[key]]])));
}

/** What is named. The look of the console is no change that the audit log would tell; of what a person is told, it is. */
export async function changePreferences(ctx: Context, actor: Actor, patch: Preferences): Promise<Preferences> {
  await ctx.sql.begin(async (tx) => {
    const user = await ownRow(tx, actor);
    const before = await mergePreferences(tx, user.id, patch);
    const changed = Object.entries(patch).filter(([key, value]) => key.startsWith("tell") && before[key] !== value);
    if (changed.length === 0) return;
    const old = Object.fromEntries(changed.map(([key]) => [key, before[key] ?? null]));
    const values = { before: old, after: Object.fromEntries(changed) };
    await writeAudit(ctx, tx, actor, { action: "user.notices_changed", object: userObject(user), ...values });
  });
  return readPreferences(ctx, actor);
}
