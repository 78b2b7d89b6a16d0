// The fleet by name, without facts; called by the REST route.
import type { Agent } from "@opsconductor/contract/api/agents";
import { OcError } from "@opsconductor/contract/errors";
import type { AgentState } from "@opsconductor/contract/states";
import type { Actor, Context } from "../context.ts";
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
  _actor: Actor,
  params: Params,
): Promise<{ items: Agent[]; nextCursor?: string }> {
  const after = params.cursor === undefined ? undefined : parseCursor(params.cursor);
  const { limit, q, state } = params;
  const rows = await selectAgents(ctx.sql, { q, state, after, limit: limit + 1, withFacts: false });
  const items = rows.slice(0, limit).map(presentAgent);
  const last = items.at(-1);
  if (rows.length <= limit || !last) return { items };
  return { items, nextCursor: Buffer.from(`${last.id} ${last.name.toLowerCase()}`).toString("base64url") };
}

function parseCursor(cursor: string): { name: string; id: string } {
  const [, id, name] = /^([0-9a-f-]{36}) (.+)$/.exec(Buffer.from(cursor, "base64url").toString()) ?? [];
  if (id === undefined || name === undefined)
    throw new OcError("invalid_argument", "The cursor is not one of ours: start from the first page");
  return { id, name };
}
