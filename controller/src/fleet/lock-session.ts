// The fence that every write caused by an agent's stream passes first; called by AgentWork inside its transactions.
import type { Query } from "../context.ts";
import { type AgentSession, StaleSession } from "./agent-link.ts";

/**
 * Locks the agent's session row for share until the transaction ends, so that no hello can raise the epoch under the
 * write. Throws StaleSession when a newer stream, another controller or a close came first.
 */
export async function lockSession(tx: Query, session: AgentSession): Promise<void> {
  const rows = await tx`
    select 1 from fleet.agent_sessions
    where agent_id = ${session.agentId} and epoch = ${session.epoch} and controller_id is not null
    for share`;
  if (rows.length === 0) throw new StaleSession(`Session ${session.epoch} of agent ${session.agentName} is over`);
}
