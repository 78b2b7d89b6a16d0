// The end of a stream: the agent is offline unless a newer one took over. Called by grpc/ when Connect ends.
import { noteDisconnection } from "../automation/note-interruption.ts";
import { publishTimelines } from "../automation/publish-changes.ts";
import type { Context } from "../context.ts";
import type { AgentSession } from "./agent-link.ts";
import { publishAgents } from "./publish-agents.ts";
import { closeSessionRow } from "./session-queries.ts";

export async function closeSession(ctx: Context, session: AgentSession, reason: string): Promise<void> {
  const { agentId, agentName, epoch } = session;
  const told = await ctx.sql.begin(async (tx) => {
    if (!(await closeSessionRow(tx, { agentId, epoch, reason, now: ctx.now() }))) return undefined;
    return await noteDisconnection(ctx, tx, { agentId, agentName, reason });
  });
  if (told === undefined) return;
  publishTimelines(ctx, told);
  await publishAgents(ctx, [agentId]);
}
