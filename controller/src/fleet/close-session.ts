// The end of a stream: the agent is offline unless a newer one took over. Called by grpc/ when Connect ends.
import type { Context } from "../context.ts";
import type { AgentSession } from "./agent-link.ts";
import { publishAgents } from "./publish-agents.ts";
import { closeSessionRow } from "./session-queries.ts";

export async function closeSession(ctx: Context, session: AgentSession, reason: string): Promise<void> {
  const { agentId, epoch } = session;
  if (!(await closeSessionRow(ctx.sql, { agentId, epoch, reason, now: ctx.now() }))) return;
  await publishAgents(ctx, [agentId]);
}
