// Roles that the configuration of sign-on names and that are not there: a slip of the pen, or deleted since. No reason not to
// start, because roles live in the database; told in the log and in health. Called by oidc-provider.ts and oidc-account.ts.
import type { Context, Query } from "../../context.ts";
import { selectRolesByName } from "../role-queries.ts";

/** Of these names. */
export async function missingRoles(q: Query, names: readonly string[]): Promise<string[]> {
  const found = await selectRolesByName(q, names);
  return [...new Set(names)].filter((name) => !found.some((role) => role.name === name));
}

/** As a sentence that names variable and role; undefined: all are there. */
export async function signOnRoleTrouble({ sql, config }: Pick<Context, "sql" | "config">): Promise<string | undefined> {
  const named = config.oidcRoles.map(({ role }) => ({ variable: "OC_OIDC_ROLES", role }));
  const fallback = config.oidcDefaultRole;
  if (fallback !== undefined) named.push({ variable: "OC_OIDC_DEFAULT_ROLE", role: fallback });
  const missing = await missingRoles(
    sql,
    named.map(({ role }) => role),
  );
  const wrong = named.filter(({ role }) => missing.includes(role)).map(({ variable, role }) => `${variable}: ${role}`);
  if (wrong.length === 0) return undefined;
  const list = [...new Set(wrong)].join("; ");
  return `the configuration names roles that do not exist (${list}): correct it, or make them; nobody gets them at sign-in`;
}
