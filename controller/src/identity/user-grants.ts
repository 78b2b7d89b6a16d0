// Roles that a user has within a scope: listed, given, taken back. Called by GET, POST and DELETE of
// users/{idOrName}/grants.
import type { Grant, grantInput, LockedInputs, ScopeInput } from "@opsconductor/contract/api/grants";
import { OcError } from "@opsconductor/contract/errors";
import { inputProblem } from "@opsconductor/contract/job/inputs";
import type { InputSpec } from "@opsconductor/contract/job/job-schema";
import type { Selector } from "@opsconductor/contract/job/selector";
import type { z } from "zod";
import { findGroup } from "../assets/get-group.ts";
import { readSelector } from "../assets/read-selector.ts";
import { findJob, getJob } from "../automation/get-job.ts";
import { writeAudit } from "../communication/audit.ts";
import { type Actor, type Context, type Query, systemActor } from "../context.ts";
import { forgetSession } from "./authenticate.ts";
import { findAccount } from "./find-user.ts";
import { deleteGrantRow, type GrantRow, insertGrant, type NewGrant, selectGrants } from "./grant-queries.ts";
import { refuseAbove, refuseField, rolesToGive } from "./guard-users.ts";
import { userObject } from "./present-user.ts";
import type { RoleRow } from "./role-queries.ts";

/** More than this is a group or a selector that nobody made yet. */
const mostGrants = 200;

export async function listGrants(ctx: Pick<Context, "sql">, idOrName: string): Promise<Grant[]> {
  const user = await findAccount(ctx.sql, idOrName);
  return (await selectGrants(ctx.sql, user.id)).map(presentGrant);
}

/** Whoever gives a role within a scope must hold all of it over everything. */
export async function giveGrant(
  ctx: Context,
  actor: Actor,
  { idOrName, role, scope, ownExecutions, lockedInputs }: z.output<typeof grantInput> & { idOrName: string },
): Promise<Grant> {
  const isLocked = Object.keys(lockedInputs).length > 0;
  if (scope.kind === "everything" && !ownExecutions && !isLocked)
    refuseField("scope", "a role over everything is one of the user's roles: PATCH the user");
  const grant = await ctx.sql.begin(async (tx) => {
    const user = await findAccount(tx, idOrName);
    await refuseAbove(tx, actor, user);
    const [given] = await rolesToGive(tx, actor, [role], "role");
    if (isLocked) await checkLocks(ctx, given!, scope, lockedInputs);
    if ((await selectGrants(tx, user.id)).length >= mostGrants)
      throw new OcError("failed_precondition", `${user.username} has ${mostGrants} grants: make a group for the next.`);
    const row: NewGrant = {
      ...{ id: ctx.newId(), userId: user.id, roleId: given!.id, ownExecutions, lockedInputs },
      ...(await columnsOf(tx, scope)),
      ...{ createdAt: ctx.now(), createdBy: actor.kind === "user" ? actor.id : null },
    };
    if (!(await insertGrant(tx, row)))
      throw new OcError("conflict", `${user.username} has the role ${role} there already.`);
    const made = (await grantsById(tx, user.id)).get(row.id)!;
    await writeAudit(ctx, tx, actor, { action: "grant.given", object: userObject(user), after: auditedGrant(made) });
    return made;
  });
  forgetSession(ctx, null);
  return presentGrant(grant);
}

export async function takeGrant(ctx: Context, actor: Actor, params: { idOrName: string; id: string }): Promise<void> {
  await ctx.sql.begin(async (tx) => {
    const user = await findAccount(tx, params.idOrName);
    await refuseAbove(tx, actor, user);
    const grant = (await grantsById(tx, user.id)).get(params.id);
    if (!grant) throw new OcError("not_found", `${user.username} has no such grant.`);
    await deleteGrantRow(tx, grant.id);
    await writeAudit(ctx, tx, actor, { action: "grant.taken", object: userObject(user), before: auditedGrant(grant) });
  });
  forgetSession(ctx, null);
}

/** Locks that would bind nothing, or that whoever has the grant could write away. */
async function checkLocks(ctx: Context, role: RoleRow, scope: ScopeInput, locked: LockedInputs): Promise<void> {
  const holds = (permission: string) => role.permissions.includes("*") || role.permissions.includes(permission);
  if (!holds("jobs:execute")) refuseField("lockedInputs", `the role ${role.name} runs no jobs`);
  if ((scope.kind === "everything" || scope.kind === "job") && holds("jobs:write"))
    refuseField("lockedInputs", `the role ${role.name} may write jobs, and so what an input means`);
  if (scope.kind !== "job") return;
  const job = await getJob(ctx, systemActor, { idOrName: scope.job });
  const specs = job.spec.inputs as Record<string, InputSpec>;
  for (const [name, value] of Object.entries(locked)) {
    const problem = Object.hasOwn(specs, name) ? inputProblem(specs[name]!, value) : `is no input of ${job.name}`;
    if (problem) refuseField(`lockedInputs.${name}`, `${name} ${problem}`);
  }
}

async function grantsById(tx: Query, userId: string): Promise<Map<string, GrantRow>> {
  return new Map((await selectGrants(tx, userId)).map((row) => [row.id, row]));
}

type ScopeColumns = Pick<NewGrant, "scope" | "groupId" | "selector" | "jobId">;
const nothing = { groupId: null, selector: null, jobId: null };

async function columnsOf(tx: Query, scope: ScopeInput): Promise<ScopeColumns> {
  switch (scope.kind) {
    case "everything":
      return { scope: "everything", ...nothing };
    case "group":
      return { scope: "group", ...nothing, groupId: await idOf("group", findGroup(tx, systemActor, scope.group)) };
    case "job":
      return { scope: "job", ...nothing, jobId: await idOf("job", findJob(tx, systemActor, scope.job)) };
    case "selector":
      refusePassing(readSelector(scope.selector, "scope.selector"));
      return { scope: "selector", ...nothing, selector: scope.selector.trim() };
  }
}

/** Rights that come and go with a connection, or with a service that somebody describes, are no rights. */
function refusePassing(selector: Selector): void {
  if ("items" in selector) {
    for (const item of selector.items) refusePassing(item);
    return;
  }
  if ("item" in selector) {
    refusePassing(selector.item);
    return;
  }
  const { kind } = selector.field;
  if (kind !== "service" && kind !== "agent") return;
  const message = `rights cannot depend on ${kind}: use labels, name, os, groups or facts`;
  throw new OcError("unprocessable", message, { errors: [{ path: "scope.selector", message }] });
}

async function idOf(kind: "group" | "job", found: Promise<{ id: string }>): Promise<string> {
  const { id } = await found.catch((cause: unknown) => {
    if (!(cause instanceof OcError) || cause.code !== "not_found") throw cause;
    const errors = [{ path: `scope.${kind}`, message: cause.message }];
    throw new OcError("unprocessable", `scope.${kind}: ${cause.message}`, { cause, errors });
  });
  return id;
}

export function presentGrant(row: GrantRow): Grant {
  return {
    id: row.id,
    role: row.role,
    scope: { kind: row.scope, id: row.groupId ?? row.jobId, name: row.groupName ?? row.jobName ?? row.selector },
    ownExecutions: row.ownExecutions,
    lockedInputs: row.lockedInputs,
    createdAt: row.createdAt.toISOString(),
    createdByName: row.createdByName,
  };
}

function auditedGrant(row: GrantRow): Record<string, unknown> {
  const { role, scope, groupName, jobName, selector, ownExecutions, lockedInputs } = row;
  const locked = Object.keys(lockedInputs).length > 0 && { lockedInputs };
  return { role, scope, where: groupName ?? jobName ?? selector, ownExecutions, ...locked };
}
