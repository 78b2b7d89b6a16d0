// Lets a caller pass or refuses, with the permission that is missing and who can give it, and audits the refusal.
// Called for every request by http/auth.ts, by routes/events.ts for each topic, and by verbs that need a permission over everything.
import { OcError } from "@opsconductor/contract/errors";
import type { Permission } from "@opsconductor/contract/permissions";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context } from "../context.ts";
import { auditRefusal } from "./audit-refusal.ts";
import { mayAnywhere, mayEverywhere } from "./grants.ts";
import { missingPermission } from "./missing-permission.ts";

/** Whether there is anything on which the caller may do it. `route` says in the audit log what was tried, `what` in words. */
export async function demandPermission(
  ctx: Context,
  actor: Actor,
  { permission, route, what = "This" }: { permission: Permission; route: string; what?: string },
): Promise<void> {
  if (mayAnywhere(actor, permission)) return;
  if (actor.token && mayAnywhere(actor.token.owner, permission))
    throw await beyondScopes(ctx, actor, permission, { route });
  throw await refused(ctx, actor, permission, { route }, `${what} needs the permission ${permission}`);
}

/** For what concerns everybody: a right within a scope is not enough. */
export async function demandEverywhere(ctx: Context, actor: Actor, permission: Permission): Promise<void> {
  if (mayEverywhere(actor, permission)) return;
  if (actor.token && mayEverywhere(actor.token.owner, permission)) throw await beyondScopes(ctx, actor, permission, {});
  throw await refused(ctx, actor, permission, {}, `This needs the permission ${permission} over everything`);
}

/** The refusal of somebody who may do it, but not on this object. */
export async function refuseOutOfScope(ctx: Context, actor: Actor, permission: Permission, what: string) {
  return await refused(ctx, actor, permission, { what }, `Your permission ${permission} does not reach ${what}`);
}

async function refused(
  ctx: Context,
  actor: Actor,
  permission: Permission,
  detail: Record<string, unknown>,
  sentence: string,
): Promise<OcError> {
  await auditRefusal(ctx, actor, { action: "permission.refused", detail: { permission, ...detail } });
  const { missing, whom } = await missingPermission(ctx.sql, permission);
  return new OcError("permission_denied", `${sentence}; ${whom}`, { missing, audited: true });
}

/** The owner may do it: no role would help, only a token with that scope. */
async function beyondScopes(ctx: Context, actor: Actor, permission: Permission, detail: Record<string, unknown>) {
  await auditRefusal(ctx, actor, {
    action: "permission.refused",
    detail: { permission, why: "token_scope", ...detail },
  });
  const text = `The scopes of the API token ${actor.token!.name} do not hold ${permission}, which ${actor.name} may do: make a token with that scope.`;
  return new OcError("permission_denied", text, {
    missing: { permission, roles: [], givers: [] },
    audited: true,
  });
}

/** For what only a person at a session may do; see personalRoutes. */
export async function refuseProgram(ctx: Context, actor: Actor, route: string): Promise<never> {
  const detail = { route, why: "api_token" };
  await writeAudit(ctx, ctx.sql, actor, { action: "permission.refused", outcome: "refused", detail });
  const text = "An API token cannot do this, whatever it may do else: sign in as a person.";
  throw new OcError("permission_denied", text, { audited: true });
}
