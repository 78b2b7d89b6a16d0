// One account by id or name, for the verbs of users and service accounts and for GET users/{idOrName}.
import type { UserRecord } from "@opsconductor/contract/api/users";
import { OcError } from "@opsconductor/contract/errors";
import { isStorable } from "../assets/storable-text.ts";
import type { Context, Query } from "../context.ts";
import { presentUser } from "./present-user.ts";
import { type AccountKind, selectUser, selectUserByName, type UserRow } from "./user-queries.ts";

/** Of people unless the caller asks for another kind: what holds for people (passwords, sessions) is not for services. */
export async function findUser(q: Query, idOrName: string, kind: AccountKind = "person"): Promise<UserRow> {
  const found = await look(q, idOrName);
  if (found?.kind === kind) return found;
  throw new OcError("not_found", `There is no such ${kind === "person" ? "user" : "service account"}.`);
}

/** Of any kind: what has roles and acts. */
export async function findAccount(q: Query, idOrName: string): Promise<UserRow> {
  const found = await look(q, idOrName);
  if (!found) throw new OcError("not_found", "There is no such user or service account.");
  return found;
}

async function look(q: Query, idOrName: string): Promise<UserRow | undefined> {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(idOrName)) return selectUser(q, idOrName);
  return isStorable(idOrName) ? selectUserByName(q, idOrName) : undefined;
}

export async function getUser(ctx: Pick<Context, "sql">, idOrName: string): Promise<UserRecord> {
  return presentUser(await findUser(ctx.sql, idOrName));
}
