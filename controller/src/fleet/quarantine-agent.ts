// Takes an agent out of dispatch until a person looked: a clone, a stolen key, a host that went back in time. Called
// inside the transaction that noticed.
import type { Agent } from "@opsconductor/contract/api/agents";
import { writeAudit } from "../communication/audit.ts";
import { type Context, type Query, systemActor } from "../context.ts";
import { quarantineRow, raiseRevocations } from "./session-queries.ts";

export type Quarantine = NonNullable<Agent["quarantine"]>;

export async function quarantineAgent(
  ctx: Context,
  tx: Query,
  agent: { id: string; name: string },
  reason: string,
  quarantine: Quarantine,
): Promise<void> {
  if (!(await quarantineRow(tx, agent.id, reason, quarantine))) return;
  await raiseRevocations(tx);
  await writeAudit(ctx, tx, systemActor, {
    action: "agent.quarantined",
    object: { kind: "agent", id: agent.id, name: agent.name },
    after: { status: "quarantined", reason, ...quarantine },
  });
  ctx.log.warn({ agentId: agent.id, agentName: agent.name, reason }, "agent.quarantined");
}
