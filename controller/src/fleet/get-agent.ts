// One agent by id or name, with its facts; called by the REST route.
import type { AgentDetail } from "@opsconductor/contract/api/agents";
import { OcError } from "@opsconductor/contract/errors";
import { isStorable } from "../assets/storable-text.ts";
import type { Actor, Context } from "../context.ts";
import { visibleTo } from "../identity/visible-to.ts";
import { selectAgents } from "./agent-queries.ts";
import { presentAgent } from "./present-agent.ts";

export async function getAgent(ctx: Context, actor: Actor, params: { idOrName: string }): Promise<AgentDetail> {
  const storable = isStorable(params.idOrName);
  const visible = visibleTo(ctx.sql, actor, "agent");
  const writable = visibleTo(ctx.sql, actor, "agent", "agents:write");
  const filter = { nameOrId: params.idOrName, visible, writable, limit: 20, withFacts: true };
  const rows = storable ? await selectAgents(ctx.sql, filter) : [];
  // A revoked agent leaves its name to a successor: the living one is meant.
  const row = rows.find((r) => r.id === params.idOrName || r.state !== "revoked") ?? rows[0];
  if (!row) throw new OcError("not_found", `There is no agent ${JSON.stringify(params.idOrName)}`);
  return { ...presentAgent(row), canWrite: row.canWrite };
}
