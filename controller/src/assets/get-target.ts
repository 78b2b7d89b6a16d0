// One target by its id or its name. Called by GET targets/{idOrName} and by the verbs that change one.
import type { Target } from "@opsconductor/contract/api/targets";
import { OcError } from "@opsconductor/contract/errors";
import { suggest } from "@opsconductor/contract/job/suggest";
import type { Actor, Context, Query } from "../context.ts";
import { presentTarget } from "./present-target.ts";
import { isStorable } from "./storable-text.ts";
import { selectNamesLike, selectTargets } from "./target-queries.ts";

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export async function getTarget(ctx: Pick<Context, "sql">, actor: Actor, idOrName: string): Promise<Target> {
  return findTarget(ctx.sql, actor, idOrName);
}

/** In the caller's transaction. not_found with the name that was probably meant. */
export async function findTarget(query: Query, actor: Actor, idOrName: string): Promise<Target> {
  const storable = isStorable(idOrName);
  const by = uuid.test(idOrName) ? { id: idOrName } : { name: idOrName };
  const [row] = storable ? await selectTargets(query, actor, { ...by, limit: 1, withFacts: true }) : [];
  if (row) return presentTarget(row);
  const meant = storable ? suggest(idOrName, await selectNamesLike(query, actor, idOrName, 100)) : undefined;
  const hint = meant ? `; did you mean ${meant}?` : ".";
  throw new OcError("not_found", `There is no target ${JSON.stringify(idOrName.slice(0, 128))}${hint}`);
}
