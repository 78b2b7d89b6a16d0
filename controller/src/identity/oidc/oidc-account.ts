// The account of somebody whom the provider vouched for: found by issuer and subject, or made when the configuration
// allows it; its mapped roles follow the groups. Never found by name or e-mail, which providers let people change.
import { OcError } from "@opsconductor/contract/errors";
import { oneLine } from "@opsconductor/contract/one-line";
import { writeAudit } from "../../communication/audit.ts";
import { type Actor, type Context, type Query, systemActor } from "../../context.ts";
import { forgetSession } from "../authenticate.ts";
import { keepAnAdministrator } from "../guard-users.ts";
import { auditedUser, userObject } from "../present-user.ts";
import { replaceUserRoles, selectRolesByName } from "../role-queries.ts";
import { insertUser, selectUser, selectUserByName, type UserRow } from "../user-queries.ts";
import { chooseRoles } from "./choose-roles.ts";
import { missingRoles } from "./missing-roles.ts";
import type { OidcPerson } from "./oidc-claims.ts";
import {
  insertExternalAccount,
  lockExternalAccount,
  selectExternalAccount,
  touchExternalAccount,
} from "./oidc-queries.ts";
import { OidcRefused } from "./oidc-refusal.ts";

/** Throws OidcRefused. What the groups took away stays taken when the sign-in is refused for it. */
export async function accountOf(ctx: Context, caller: Actor, person: OidcPerson): Promise<UserRow> {
  const mapper: Actor = { ...systemActor, name: "sign-on", address: caller.address, requestId: caller.requestId };
  const user = await ctx.sql.begin(async (tx) => {
    const issuer = ctx.identity.oidc!.issuer;
    await lockExternalAccount(tx, issuer, person.subject);
    const known = await selectExternalAccount(tx, issuer, person.subject);
    const account = known ? (await selectUser(tx, known.userId))! : await createAccount(ctx, tx, mapper, person);
    if (!account.active) throw new OidcRefused("disabled", { user: account });
    await touchExternalAccount(tx, account.id, nameOf(person), ctx.now());
    return mapRoles(ctx, tx, mapper, account, person.groups);
  });
  forgetSession(ctx, null);
  if (user.roles.length === 0 && user.grants.length === 0)
    throw noRole(await missingRoles(ctx.sql, chooseRoles([], person.groups, mappingOf(ctx))), user);
  return user;
}

export const nameOf = ({ username, email, subject }: OidcPerson) =>
  oneLine((username ?? email ?? subject).slice(0, 200));

async function createAccount(ctx: Context, tx: Query, mapper: Actor, person: OidcPerson): Promise<UserRow> {
  if (!ctx.config.oidcCreateUsers) throw new OidcRefused("unknown");
  const username = person.username;
  if (username === undefined) throw new OidcRefused("name_unusable", { cause: unusableName(ctx) });
  if (await selectUserByName(tx, username)) throw new OidcRefused("name_taken");
  // Not everybody whom the provider knows is to leave an account here.
  const wanted = chooseRoles([], person.groups, mappingOf(ctx));
  const missing = await missingRoles(tx, wanted);
  if (missing.length === wanted.length) throw noRole(missing);
  const id = ctx.newId();
  const { displayName, email } = person;
  const values = { id, username, displayName, email, passwordHash: null, mustChangePassword: false, now: ctx.now() };
  await insertUser(tx, values);
  await insertExternalAccount(tx, {
    issuer: ctx.identity.oidc!.issuer,
    subject: person.subject,
    userId: id,
    name: nameOf(person),
    now: ctx.now(),
  });
  const user = (await selectUser(tx, id))!;
  const detail = { issuer: ctx.identity.oidc!.issuer };
  await writeAudit(ctx, tx, mapper, {
    action: "user.created",
    object: userObject(user),
    after: auditedUser(user),
    detail,
  });
  return user;
}

const unusableName = ({ config }: Context) =>
  new Error(`the claim ${config.oidcUsernameClaim} is missing, or is no name that an account can have`);

/** Who has no role because the configuration names one that is not there must not be sent to ask for a group. */
const noRole = (roles: readonly string[], user?: UserRow) =>
  roles.length > 0
    ? new OidcRefused("role_missing", { roles, ...(user ? { user } : {}) })
    : new OidcRefused("no_role", user ? { user } : {});

const mappingOf = ({ config }: Context) => ({ roles: config.oidcRoles, defaultRole: config.oidcDefaultRole });

async function mapRoles(
  ctx: Context,
  tx: Query,
  mapper: Actor,
  user: UserRow,
  groups: readonly string[],
): Promise<UserRow> {
  const wanted = chooseRoles(user.roles, groups, mappingOf(ctx));
  const found = await selectRolesByName(tx, wanted);
  const unknown = wanted.filter((name) => !found.some((role) => role.name === name));
  if (unknown.length > 0) ctx.log.error({ unknown }, "sign_on.role_unknown"); // OC_OIDC_ROLES names what is not there
  const names = found.map(({ name }) => name).sort();
  if (names.join() === [...user.roles].sort().join()) return user;
  await keepAnAdministrator(tx, () =>
    replaceUserRoles(
      tx,
      user.id,
      found.map(({ id }) => id),
    ),
  ).catch((cause) => {
    throw cause instanceof OcError ? new OidcRefused("last_administrator", { cause, user }) : cause;
  });
  const after = (await selectUser(tx, user.id))!;
  const values = { before: auditedUser(user), after: auditedUser(after), detail: { groups: groups.slice(0, 100) } };
  await writeAudit(ctx, tx, mapper, { action: "user.roles_mapped", object: userObject(after), ...values });
  return after;
}
