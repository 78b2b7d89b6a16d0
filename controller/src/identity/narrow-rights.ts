// What is left of an API token's scopes when its owner's rights are what they are now. Pure; asked at each request.
import type { Permission } from "@opsconductor/contract/permissions";
import type { Rights } from "./grants.ts";

type Held = ReadonlySet<Permission | "*">;

/** Over everything and within each grant's scope alike. Both sides may hold `*`. */
export function narrowRights(owner: Rights, scopes: readonly string[]): Rights {
  if (scopes.includes("*")) return owner;
  const narrow = (held: Held): Held =>
    held.has("*") ? new Set(scopes as Permission[]) : new Set([...held].filter((each) => scopes.includes(each)));
  const grants = owner.grants.map((grant) => ({ ...grant, permissions: narrow(grant.permissions) }));
  return { permissions: narrow(owner.permissions), grants: grants.filter(({ permissions }) => permissions.size > 0) };
}
