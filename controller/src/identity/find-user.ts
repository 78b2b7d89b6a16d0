// One user by id or name, for the verbs of users and for GET users/{idOrName}.
import type { UserRecord } from "@opsconductor/contract/api/users";
import { OcError } from "@opsconductor/contract/errors";
import type { Context, Query } from "../context.ts";
import { presentUser } from "./present-user.ts";
import { selectUser, selectUserByName, type UserRow } from "./user-queries.ts";

export async function findUser(q: Query, idOrName: string): Promise<UserRow> {
  const isId = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(idOrName);
  const isStorable = !idOrName.includes("\0") && idOrName.isWellFormed();
  const found = isId ? await selectUser(q, idOrName) : isStorable ? await selectUserByName(q, idOrName) : undefined;
  if (!found) throw new OcError("not_found", "There is no such user.");
  return found;
}

export async function getUser(ctx: Pick<Context, "sql">, idOrName: string): Promise<UserRecord> {
  return presentUser(await findUser(ctx.sql, idOrName));
}
