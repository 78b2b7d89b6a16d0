// Service accounts: users that are programs. They have roles like people and nothing to sign in with but API tokens.
// Called by the routes of service accounts.
import type {
  ServiceAccount,
  serviceAccountInput,
  serviceAccountPage,
  serviceAccountPatch,
} from "@opsconductor/contract/api/tokens";
import { OcError } from "@opsconductor/contract/errors";
import type { z } from "zod";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context, Query } from "../context.ts";
import { decodeCursor, encodeCursor } from "../cursor.ts";
import { forgetSession } from "./authenticate.ts";
import { refuseTaken } from "./create-user.ts";
import { findUser } from "./find-user.ts";
import { permissionsAnywhere } from "./grants.ts";
import { refuseAbove, rolesToGive } from "./guard-users.ts";
import { auditedUser, userObject } from "./present-user.ts";
import { replaceUserRoles } from "./role-queries.ts";
import { selectTokenSums, type TokenSum } from "./service-account-queries.ts";
import { tokenRules } from "./token-rules.ts";
import { refuseStale } from "./update-user.ts";
import { insertUser, selectUsers, type UserRow, updateUserColumns } from "./user-queries.ts";

export async function listServiceAccounts(
  ctx: Context,
  { limit, cursor, q }: { limit: number; cursor?: string | undefined; q?: string | undefined },
): Promise<z.infer<typeof serviceAccountPage>> {
  const afterName = cursor === undefined ? undefined : decodeCursor(cursor, 1)[0]!;
  const filter = { kind: "service" as const, q, active: undefined, afterName, limit: limit + 1 };
  const rows = await selectUsers(ctx.sql, filter);
  const items = await present(ctx, ctx.sql, rows.slice(0, limit));
  const last = items.at(-1);
  const next = rows.length <= limit || !last ? {} : { nextCursor: encodeCursor([last.name.toLowerCase()]) };
  return { items, ...next, rules: tokenRules(ctx) };
}

export async function getServiceAccount(ctx: Context, idOrName: string): Promise<ServiceAccount> {
  const [account] = await present(ctx, ctx.sql, [await findUser(ctx.sql, idOrName, "service")]);
  return account!;
}

export async function createServiceAccount(
  ctx: Context,
  actor: Actor,
  { name, description, roles }: z.output<typeof serviceAccountInput>,
): Promise<ServiceAccount> {
  const id = ctx.newId();
  return ctx.sql.begin(async (tx) => {
    const given = await rolesToGive(tx, actor, roles);
    const values = { id, kind: "service" as const, username: name, displayName: description, now: ctx.now() };
    await insertUser(tx, { ...values, passwordHash: null, mustChangePassword: false }).catch((error) =>
      refuseTaken(error, "name", name),
    );
    await replaceUserRoles(
      tx,
      id,
      given.map((role) => role.id),
    );
    const account = await findUser(tx, id, "service");
    const entry = { action: "service_account.created", object: userObject(account), after: auditedUser(account) };
    await writeAudit(ctx, tx, actor, entry);
    return (await present(ctx, tx, [account]))[0]!;
  });
}

interface UpdateParams {
  idOrName: string;
  patch: z.infer<typeof serviceAccountPatch>;
  /** From If-Match. Undefined: the last one wins. */
  revision: bigint | undefined;
}

export async function updateServiceAccount(
  ctx: Context,
  actor: Actor,
  { idOrName, patch, revision }: UpdateParams,
): Promise<ServiceAccount> {
  const { roles, active, description } = patch;
  const changed = await ctx.sql.begin(async (tx) => {
    const before = await findUser(tx, idOrName, "service");
    await refuseAbove(tx, actor, before);
    if (active === false && before.id === actor.id)
      throw new OcError("failed_precondition", "A service account cannot deactivate itself: ask a person.");
    const columns = {
      ...(active === undefined ? {} : { active }),
      ...(description === undefined ? {} : { displayName: description }),
    };
    if (!(await updateUserColumns(tx, before.id, columns, revision, ctx.now()))) refuseStale(before.username);
    if (roles) {
      const given = await rolesToGive(tx, actor, roles);
      await replaceUserRoles(
        tx,
        before.id,
        given.map((role) => role.id),
      );
    }
    const after = await findUser(tx, before.id, "service");
    const values = { before: auditedUser(before), after: auditedUser(after) };
    await writeAudit(ctx, tx, actor, { action: "service_account.updated", object: userObject(after), ...values });
    return (await present(ctx, tx, [after]))[0]!;
  });
  forgetSession(ctx, null);
  return changed;
}

async function present(ctx: Context, q: Query, rows: readonly UserRow[]): Promise<ServiceAccount[]> {
  const sums = await selectTokenSums(
    q,
    rows.map(({ id }) => id),
    ctx.now(),
  );
  return rows.map((row) => presentOne(row, sums.get(row.id)));
}

function presentOne(row: UserRow, sum: TokenSum | undefined): ServiceAccount {
  return {
    id: row.id,
    name: row.username,
    description: row.displayName,
    roles: row.roles,
    permissions: permissionsAnywhere(row),
    active: row.active,
    tokenCount: Number(sum?.live ?? 0),
    lastUsedAt: sum?.lastUsedAt?.toISOString() ?? null,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    revision: Number(row.revision),
  };
}
