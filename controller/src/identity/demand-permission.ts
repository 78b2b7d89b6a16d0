// Lets a caller pass or refuses and audits it. Called for every request by http/auth.ts.
import { OcError } from "@opsconductor/contract/errors";
import type { Permission } from "@opsconductor/contract/permissions";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context } from "../context.ts";

/** `route` says in the audit log what was tried. */
export async function demandPermission(
  ctx: Context,
  actor: Actor,
  { permission, route }: { permission: Permission; route: string },
): Promise<void> {
  if (actor.permissions.has("*") || actor.permissions.has(permission)) return;
  await writeAudit(ctx, ctx.sql, actor, {
    action: "permission.refused",
    outcome: "refused",
    detail: { permission, route },
  });
  throw new OcError("permission_denied", `This needs the permission ${permission}; ask an administrator for it.`);
}
