// Sets how many assignments one agent runs at once, instead of what the settings say. Called by PUT agents/{idOrName}/limit.
import { OcError } from "@opsconductor/contract/errors";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context } from "../context.ts";
import { demandOn } from "../identity/demand-on.ts";
import { publishAgents } from "./publish-agents.ts";
import { lockAgent, updateAgentLimit } from "./session-queries.ts";

export async function limitAgent(
  ctx: Context,
  actor: Actor,
  params: { id: string; limit: number | null },
): Promise<void> {
  const { id, limit } = params;
  await ctx.sql.begin(async (tx) => {
    const agent = await lockAgent(tx, id);
    if (!agent) throw new OcError("not_found", "There is no such agent");
    await demandOn(ctx, tx, actor, {
      ...{ permission: "agents:write", kind: "agent", ids: [id] },
      what: "all targets of this agent",
    });
    if (agent.status === "revoked")
      throw new OcError("failed_precondition", "The agent was revoked: it gets no work any more.");
    await updateAgentLimit(tx, id, limit);
    await writeAudit(ctx, tx, actor, {
      action: "agent.limited",
      object: { kind: "agent", id, name: agent.name },
      before: { limit: agent.assignmentLimit },
      after: { limit },
    });
  });
  ctx.log.info({ agentId: id, limit, actor: actor.name }, "agent.limited");
  ctx.automation.dispatcher.wake([id]);
  await publishAgents(ctx, [id]);
}
