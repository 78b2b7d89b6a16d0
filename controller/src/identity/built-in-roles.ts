// The roles that every installation has. Called at each start, before the first account.
import { builtInRoles } from "@opsconductor/contract/permissions";
import type { Context } from "../context.ts";
import { upsertBuiltInRole } from "./role-queries.ts";

export async function ensureBuiltInRoles(ctx: Pick<Context, "sql" | "newId">): Promise<void> {
  for (const { name, description, permissions } of builtInRoles)
    await upsertBuiltInRole(ctx.sql, { id: ctx.newId(), name, description, permissions: [...permissions] });
}
