// Tells the pages how agents are now; called after a commit that changed them. Losing one costs only freshness.
import type { Context } from "../context.ts";
import { selectAgents } from "./agent-queries.ts";
import { presentAgent } from "./present-agent.ts";

export async function publishAgents(ctx: Context, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  try {
    const rows = await selectAgents(ctx.sql, { ids, limit: ids.length, withFacts: false });
    for (const row of rows) ctx.live.publish({ kind: "agent", topic: "agents", agent: presentAgent(row) });
  } catch (err) {
    if (!ctx.signal.aborted) ctx.log.warn({ err, agents: ids.length }, "agent.publish_failed");
  }
}
