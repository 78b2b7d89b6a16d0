// Users by name, and the roles they can have. Called by GET users and GET roles.
import type { Role, UserRecord, userListQuery } from "@opsconductor/contract/api/users";
import type { z } from "zod";
import type { Context } from "../context.ts";
import { decodeCursor, encodeCursor } from "../cursor.ts";
import { presentRole } from "./present-role.ts";
import { presentUser } from "./present-user.ts";
import { selectRoles } from "./role-queries.ts";
import { selectUsers } from "./user-queries.ts";

export async function listUsers(
  ctx: Pick<Context, "sql">,
  { limit, cursor, q, active }: z.infer<typeof userListQuery>,
): Promise<{ items: UserRecord[]; nextCursor?: string }> {
  const afterName = cursor === undefined ? undefined : decodeCursor(cursor, 1)[0]!;
  const filter = {
    kind: "person" as const,
    q,
    active: active === undefined ? undefined : active === "true",
    afterName,
    limit: limit + 1,
  };
  const rows = await selectUsers(ctx.sql, filter);
  const items = rows.slice(0, limit).map(presentUser);
  const last = items.at(-1);
  return rows.length <= limit || !last ? { items } : { items, nextCursor: encodeCursor([last.username.toLowerCase()]) };
}

export async function listRoles(ctx: Pick<Context, "sql">): Promise<Role[]> {
  const rows = await selectRoles(ctx.sql);
  return rows.map(presentRole);
}
