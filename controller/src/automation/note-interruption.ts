// Tells the executions of an agent that its connection went or came back. Called by fleet/ in the transactions that
// close and open sessions.
import type { Context, Query } from "../context.ts";
import { insertNotesOfAgent } from "./timeline-queries.ts";

export interface Disconnection {
  agentId: string;
  agentName: string;
  reason: string;
}

export interface Reconnection {
  agentId: string;
  agentName: string;
  address: string;
  /** When the connection before it ended, as far as that was seen: a controller that was killed saw nothing. */
  awaySince: Date | null;
  /** Another process of the agent than before. */
  agentRestarted: boolean;
  hostRebooted: boolean;
  /** Another controller, or the same one after a restart. */
  controllerChanged: boolean;
}

/** Executions whose timelines grew; tell the pages after the commit, with `publishTimelines`. */
export async function noteDisconnection(ctx: Pick<Context, "now">, tx: Query, d: Disconnection): Promise<string[]> {
  const { agentId, agentName, reason } = d;
  return await insertNotesOfAgent(tx, agentId, {
    ...{ kind: "agent.disconnected", at: ctx.now(), detail: { agentId, agentName, reason } },
  });
}

export async function noteReconnection(ctx: Pick<Context, "now">, tx: Query, r: Reconnection): Promise<string[]> {
  const detail = { ...r, awaySince: r.awaySince?.toISOString() ?? null };
  return await insertNotesOfAgent(tx, r.agentId, { kind: "agent.reconnected", at: ctx.now(), detail });
}
