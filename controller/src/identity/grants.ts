// What somebody may do: permissions over everything, and grants of roles within a scope. Built from rows by
// authenticate.ts, asked by visible-to.ts and demand-permission.ts. Pure.

import type { LockedInputs } from "@opsconductor/contract/api/grants";
import { parseSelector, type Selector } from "@opsconductor/contract/job/selector";
import { type Permission, scopablePermissions } from "@opsconductor/contract/permissions";
import type { Actor } from "../context.ts";

export type GrantScope =
  | { kind: "everything" }
  | { kind: "group"; groupId: string }
  | { kind: "selector"; selector: Selector }
  | { kind: "job"; jobId: string };

export interface ScopedGrant {
  id: string;
  permissions: ReadonlySet<Permission | "*">;
  scope: GrantScope;
  /** Of executions only those that the user asked for. */
  ownExecutions: boolean;
  /** Jobs may be run only with these inputs; see locked-inputs.ts. */
  lockedInputs: LockedInputs;
}

/** A grant as it is stored, with its role's permissions. */
export interface GrantSource {
  id: string;
  permissions: readonly string[];
  scope: "everything" | "group" | "selector" | "job";
  groupId: string | null;
  selector: string | null;
  jobId: string | null;
  ownExecutions: boolean;
  lockedInputs: LockedInputs;
}

export interface Rights {
  /** Over everything. */
  permissions: ReadonlySet<Permission | "*">;
  grants: readonly ScopedGrant[];
}

/** `roles`: permissions of roles over everything. */
export function rightsOf(roles: readonly string[], sources: readonly GrantSource[]): Rights {
  const permissions = new Set(roles as readonly (Permission | "*")[]);
  if (permissions.has("*")) return { permissions, grants: [] };
  for (const source of sources) for (const each of unlimited(source)) permissions.add(each);
  return { permissions, grants: sources.flatMap(grantOf) };
}

function grantOf(source: GrantSource): ScopedGrant[] {
  const scope = scopeOf(source);
  const { id, ownExecutions, lockedInputs } = source;
  if (!scope) return [];
  return [{ id, ownExecutions, lockedInputs, scope, permissions: new Set(source.permissions as (Permission | "*")[]) }];
}

const scopable: ReadonlySet<string> = new Set(scopablePermissions);

/** Of a role over everything, with own executions only or with locked inputs: the rest of it has no limit. */
function unlimited({ scope, permissions: held, ownExecutions, lockedInputs }: GrantSource): Permission[] {
  if (scope !== "everything") return [];
  const all = held.includes("*") ? scopablePermissions : (held as Permission[]);
  const runs = Object.keys(lockedInputs).length === 0;
  return all.filter((each) => (each === "jobs:execute" ? runs : !(ownExecutions && each.startsWith("executions:"))));
}

/** Undefined: a selector that this program cannot read any more reaches nothing. */
function scopeOf({ scope, groupId, selector, jobId }: GrantSource): GrantScope | undefined {
  if (scope === "group") return { kind: "group", groupId: groupId! };
  if (scope === "job") return { kind: "job", jobId: jobId! };
  if (scope === "everything") return { kind: "everything" };
  const tree = parsed(selector!);
  return tree && { kind: "selector", selector: tree };
}

const trees = new Map<string, Selector | undefined>();

/** The same few texts, for every request. */
function parsed(text: string): Selector | undefined {
  if (trees.has(text)) return trees.get(text);
  if (trees.size > 10_000) trees.clear();
  const tree = parsedAnew(text);
  trees.set(text, tree);
  return tree;
}

function parsedAnew(text: string): Selector | undefined {
  try {
    return parseSelector(text);
  } catch {
    return undefined; // it was checked when it was granted
  }
}

export const holds = (held: ReadonlySet<Permission | "*">, permission: Permission) =>
  held.has("*") || held.has(permission);

/** The actor's grants that hold a permission. What is bound to no object, such as users, is never held in a scope. */
export function grantsWith({ grants = [] }: Pick<Actor, "grants">, permission: Permission): ScopedGrant[] {
  if (!scopable.has(permission)) return [];
  return grants.filter((grant) => holds(grant.permissions, permission));
}

/** Whether the actor may do it over everything. */
export function mayEverywhere(actor: Pick<Actor, "permissions">, permission: Permission): boolean {
  return holds(actor.permissions, permission);
}

/** Whether there is anything on which the actor may do it: what a route asks before its verb asks about the object. */
export function mayAnywhere(actor: Pick<Actor, "permissions" | "grants">, permission: Permission): boolean {
  return mayEverywhere(actor, permission) || grantsWith(actor, permission).length > 0;
}

/** What the console shows and hides its buttons by: everything that somebody may do on anything. */
export function permissionsAnywhere({
  permissions,
  grants,
}: {
  permissions: string[];
  grants: GrantSource[];
}): string[] {
  const rights = rightsOf(permissions, grants);
  if (rights.permissions.has("*")) return ["*"];
  const scoped = scopablePermissions.filter((permission) => grantsWith(rights, permission).length > 0);
  return [...new Set<string>([...rights.permissions, ...scoped])].sort();
}
