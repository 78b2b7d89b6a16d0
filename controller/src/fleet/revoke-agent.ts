// Takes an agent's trust away for good: its streams end within two seconds on every controller, its certificates are
// worth nothing. Called by the REST route.
import { OcError } from "@opsconductor/contract/errors";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context, Query } from "../context.ts";
import { demandOn } from "../identity/demand-on.ts";
import { publishAgents } from "./publish-agents.ts";
import { lockAgent, raiseRevocations, releaseRow, revokeRow } from "./session-queries.ts";

const demandAgent = (ctx: Context, tx: Query, actor: Actor, id: string) =>
  demandOn(ctx, tx, actor, {
    ...{ permission: "agents:write", kind: "agent", ids: [id] },
    what: "all targets of this agent",
  });

export async function revokeAgent(ctx: Context, actor: Actor, params: { id: string; reason: string }): Promise<void> {
  await ctx.sql.begin(async (tx) => {
    const agent = await lockAgent(tx, params.id);
    if (!agent) throw new OcError("not_found", "There is no such agent");
    await demandAgent(ctx, tx, actor, agent.id);
    if (agent.status === "revoked") return;
    await revokeRow(tx, agent.id, params.reason);
    await raiseRevocations(tx);
    await writeAudit(ctx, tx, actor, {
      action: "agent.revoked",
      object: { kind: "agent", id: agent.id, name: agent.name },
      before: { status: agent.status },
      after: { status: "revoked", reason: params.reason },
    });
  });
  ctx.log.info({ agentId: params.id, actor: actor.name, reason: params.reason }, "agent.revoked");
  await publishAgents(ctx, [params.id]);
}

/** A person looked at a quarantined agent and trusts it again. */
export async function releaseAgent(ctx: Context, actor: Actor, params: { id: string }): Promise<void> {
  await ctx.sql.begin(async (tx) => {
    const agent = await lockAgent(tx, params.id);
    if (!agent) throw new OcError("not_found", "There is no such agent");
    await demandAgent(ctx, tx, actor, agent.id);
    if (agent.status === "active") return;
    if (agent.status === "revoked")
      throw new OcError("failed_precondition", "The agent was revoked: enrol its host again with a new token");
    await releaseRow(tx, agent.id);
    await raiseRevocations(tx);
    await writeAudit(ctx, tx, actor, {
      action: "agent.released",
      object: { kind: "agent", id: agent.id, name: agent.name },
      before: { status: "quarantined" },
      after: { status: "active" },
    });
  });
  await publishAgents(ctx, [params.id]);
}
