// One group by its id or its name, and all of them. Called by GET groups, GET groups/{idOrName} and the verbs of groups.
import type { Group } from "@opsconductor/contract/api/groups";
import { OcError } from "@opsconductor/contract/errors";
import type { Actor, Context, Query } from "../context.ts";
import { decodeCursor, encodeCursor } from "../cursor.ts";
import { type GroupRow, selectGroups } from "./group-queries.ts";
import { isStorable } from "./storable-text.ts";

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export async function listGroups(
  ctx: Pick<Context, "sql">,
  actor: Actor,
  { limit, cursor, q }: { limit: number; cursor?: string | undefined; q?: string | undefined },
): Promise<{ items: Group[]; nextCursor?: string }> {
  const afterName = cursor === undefined ? undefined : decodeCursor(cursor, 1)[0];
  const rows = await selectGroups(ctx.sql, actor, { q, afterName, limit: limit + 1 });
  const items = rows.slice(0, limit).map(presentGroup);
  const last = items.at(-1);
  return rows.length <= limit || !last ? { items } : { items, nextCursor: encodeCursor([last.name.toLowerCase()]) };
}

export async function getGroup(ctx: Pick<Context, "sql">, actor: Actor, idOrName: string): Promise<Group> {
  return findGroup(ctx.sql, actor, idOrName);
}

/** In the caller's transaction. */
export async function findGroup(query: Query, actor: Actor, idOrName: string): Promise<Group> {
  const by = uuid.test(idOrName) ? { id: idOrName } : { name: idOrName };
  const [row] = isStorable(idOrName) ? await selectGroups(query, actor, { ...by, limit: 1 }) : [];
  if (row) return presentGroup(row);
  throw new OcError("not_found", `There is no group ${JSON.stringify(idOrName.slice(0, 128))}.`);
}

function presentGroup(row: GroupRow): Group {
  return {
    ...row,
    targetCount: Number(row.targetCount),
    totalCount: Number(row.totalCount),
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    revision: Number(row.revision),
  };
}
