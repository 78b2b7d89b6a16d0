// The fleet by name, without facts; called by the REST route.
import type { Agent } from "@opsconductor/contract/api/agents";
import type { AgentState } from "@opsconductor/contract/states";
import type { Actor, Context } from "../context.ts";
import { decodeCursor, encodeCursor } from "../cursor.ts";
import { visibleTo } from "../identity/visible-to.ts";
import { selectAgents } from "./agent-queries.ts";
import { presentAgent } from "./present-agent.ts";

interface Params {
  limit: number;
  cursor?: string | undefined;
  q?: string | undefined;
  state?: AgentState | undefined;
}

export async function listAgents(
  ctx: Context,
  actor: Actor,
  params: Params,
): Promise<{ items: Agent[]; nextCursor?: string }> {
  const { limit, q, state, cursor } = params;
  const [name, id] = cursor === undefined ? [] : decodeCursor(cursor, 2);
  const after = name === undefined || id === undefined ? undefined : { name, id };
  const rows = await selectAgents(ctx.sql, {
    ...{ q, state, after, limit: limit + 1, withFacts: false },
    visible: visibleTo(ctx.sql, actor, "agent"),
  });
  const items = rows.slice(0, limit).map(presentAgent);
  const last = items.at(-1);
  if (rows.length <= limit || !last) return { items };
  return { items, nextCursor: encodeCursor([last.name.toLowerCase(), last.id]) };
}
