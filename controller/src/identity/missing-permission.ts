// What somebody lacks who is refused, who could give it, and the same in words. Called by whatever refuses a caller for want
// of a permission.
import type { MissingPermission } from "@opsconductor/contract/errors";
import type { Permission } from "@opsconductor/contract/permissions";
import type { Query } from "../context.ts";
import { selectRolesHolding } from "./giver-queries.ts";
import { nameGivers } from "./name-givers.ts";

/** `whom` ends a sentence: it says whom to ask, and which roles would do. `*`: everything. */
export async function missingPermission(
  q: Query,
  permission: Permission | "*",
): Promise<{ missing: MissingPermission; whom: string }> {
  const [roles, givers] = await Promise.all([selectRolesHolding(q, permission), nameGivers(q, permission)]);
  const held = roles.length === 0 ? "" : ` The roles ${roles.join(", ")} hold it.`;
  const ask = givers.length === 0 ? "ask an administrator for it" : `${listed(givers)} can grant it`;
  return { missing: { permission, roles, givers }, whom: `${ask}.${held}` };
}

const listed = (names: readonly string[]) =>
  names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
