// Which targets a selector or a list of names means now. Called when an execution is created (inside its transaction)
// and by GET targets/resolve, which is the preview before it.
import type { resolveQuery, resolveResponse } from "@opsconductor/contract/api/targets";
import { OcError } from "@opsconductor/contract/errors";
import type { Selector } from "@opsconductor/contract/job/selector";
import { suggest } from "@opsconductor/contract/job/suggest";
import type { Permission } from "@opsconductor/contract/permissions";
import type { z } from "zod";
import type { Actor, Context, Query } from "../context.ts";
import { type Fragment, visibleTo } from "../identity/visible-to.ts";
import { lookingAtAll, readingAll, walkingAlong } from "./plan-settings.ts";
import { readSelector } from "./read-selector.ts";
import type { Reading } from "./selector-sql.ts";
import { isStorable } from "./storable-text.ts";
import {
  chosenBy,
  countResolved,
  type ResolvedRow,
  selectFirstIds,
  selectNamesLike,
  selectResolved,
  selectResolvedPage,
} from "./target-queries.ts";

/** How far the choice may reach: what the actor may read, unless more is said. */
export interface Reach {
  permission?: Permission | undefined;
  /** What the actor may reach besides, because a job that was granted chooses it itself. */
  besides?: TargetChoice | undefined;
  /** And no further than the actor may read. */
  readable?: boolean;
}

function withinOf(
  query: Query,
  actor: Actor,
  { permission, besides, readable }: Reach,
): (reading: Reading) => Fragment {
  const chosen =
    besides &&
    ("select" in besides ? { selector: readSelector(besides.select) } : { names: lowerNames(besides.names) });
  return (reading) => {
    const reached = visibleTo(query, actor, "target", permission, reading);
    const own = readable ? query`(${reached} and ${visibleTo(query, actor, "target", undefined, reading)})` : reached;
    return chosen ? query`(${own} or ${chosenBy(query, chosen, reading)})` : own;
  };
}

export type TargetChoice = { select: string } | { names: readonly string[] };

/**
 * All of them, in the order of their names; an unknown name is refused (unprocessable), a selector that matches
 * nothing answers an empty list. `query` is the caller's transaction when there is one.
 */
export async function resolveTargets(
  ctx: Pick<Context, "sql">,
  actor: Actor,
  choice: TargetChoice,
  query: Query = ctx.sql,
  reach: Reach = {},
): Promise<ResolvedRow[]> {
  const within = withinOf(query, actor, reach);
  if ("select" in choice)
    return readingAll(query, selectResolved(query, actor, { selector: readSelector(choice.select), within }));
  const names = lowerNames(choice.names);
  const rows = await selectResolved(query, actor, { names: names.filter(isStorable), within });
  if (rows.length < names.length) await refuseUnknown(query, actor, names, rows);
  return rows;
}

/** Of more, a walk along the names meets a page soon. */
const fewTargets = 2000;

/** The first `limit` of them, and how many there are. */
export async function previewTargets(
  ctx: Pick<Context, "sql">,
  actor: Actor,
  { select, names, limit }: z.infer<typeof resolveQuery>,
  reach: Reach = {},
): Promise<Omit<z.infer<typeof resolveResponse>, "limited">> {
  const by = { ...choiceOf(select, names), within: withinOf(ctx.sql, actor, reach) };
  const { counts, items } = await lookingAtAll(ctx, async (tx) => {
    const counts = await countResolved(tx, actor, by);
    const ids = counts.count <= fewTargets ? await selectFirstIds(tx, actor, by, { limit }) : null;
    const [, items] = await Promise.all([walkingAlong(tx), selectResolvedPage(tx, actor, by, { ids, limit })]);
    return { counts, items };
  });
  const { count, withoutAgent, offline } = counts;
  if ("names" in by && count < by.names.length)
    await refuseUnknown(ctx.sql, actor, by.names, await selectResolved(ctx.sql, actor, by));
  return {
    count: Number(count),
    withoutAgent: Number(withoutAgent),
    offline: Number(offline),
    items: items.map(({ id, name, agentId, agentState }) => ({ id, name, agentId, agentState })),
  };
}

function choiceOf(
  select: string | undefined,
  names: string | undefined,
): { selector: Selector } | { names: readonly string[] } {
  if ((select === undefined) === (names === undefined)) {
    throw new OcError("invalid_argument", "Give either select or names.");
  }
  if (!isStorable(names ?? "")) throw new OcError("invalid_argument", "names: remove the NUL character.");
  if (select !== undefined) return { selector: readSelector(select) };
  return {
    names: lowerNames(
      names!
        .split(",")
        .map((name) => name.trim())
        .filter((name) => name !== ""),
    ),
  };
}

function lowerNames(names: readonly string[]): string[] {
  return [...new Set(names.map((name) => name.toLowerCase()))];
}

async function refuseUnknown(
  query: Query,
  actor: Actor,
  names: readonly string[],
  found: readonly ResolvedRow[],
): Promise<never> {
  const known = new Set(found.map((row) => row.name.toLowerCase()));
  const missing = names.filter((name) => !known.has(name));
  const first = missing[0]!;
  const meant = suggest(first, isStorable(first) ? await selectNamesLike(query, actor, first, 100) : []);
  const more = missing.length > 1 ? ` (and ${missing.length - 1} more that do not exist)` : "";
  const hint = meant ? `; did you mean ${meant}?` : ".";
  const errors = missing.slice(0, 20).map((name) => ({ path: "names", message: `there is no target ${name}` }));
  throw new OcError("unprocessable", `There is no target ${first}${more}${hint}`, { errors });
}
