// Which of the open streams have lost their right to be open: revoked, replaced certificate, expired, taken over by
// another controller. Called every 30 s, and within a second of any revocation.
import type { Context } from "../context.ts";
import type { FleetLink } from "./fleet-link.ts";
import { selectPause } from "./mark-queries.ts";
import { sessionEpochs, trustOf } from "./session-queries.ts";

export interface LostTrust {
  link: FleetLink;
  code: "revoked" | "unknown_agent" | "superseded" | "certificate_expired" | "retry_later";
  reason: string;
}

/** Also brings `quarantined` of every link up to date. */
export async function checkTrust(ctx: Context, links: Iterable<FleetLink>): Promise<LostTrust[]> {
  const open = [...links];
  if (open.length === 0) return [];
  const ids = open.map((l) => l.session.agentId);
  const trust = new Map((await trustOf(ctx.sql, ids)).map((row) => [row.id, row]));
  const epochs = new Map((await sessionEpochs(ctx.sql, ids)).map((row) => [row.agentId, row]));
  const { generation, pausedAt } = await selectPause(ctx.sql);
  const lost: LostTrust[] = [];
  for (const link of open) {
    const row = trust.get(link.session.agentId);
    link.quarantined = row?.status === "quarantined";
    const reason = whyLost(ctx, link, row, epochs.get(link.session.agentId)?.epoch);
    if (reason) lost.push({ link, ...reason });
    else if (pausedAt !== null && link.history !== "paused")
      lost.push({ link, code: "retry_later", reason: "This database may be older than you know: say hello again" });
    else if (link.generation !== generation && pausedAt === null)
      lost.push({ link, code: "retry_later", reason: "A restored database was accepted: tell again what you have" });
    else if (link.openedInQuarantine && !link.quarantined)
      lost.push({ link, code: "retry_later", reason: "The agent was released: its work goes on from a new hello" });
  }
  return lost;
}

function whyLost(
  ctx: Context,
  link: FleetLink,
  row: Awaited<ReturnType<typeof trustOf>>[number] | undefined,
  epoch: bigint | undefined,
): Omit<LostTrust, "link"> | undefined {
  if (!row) return { code: "unknown_agent", reason: "The agent no longer exists here: enrol the host again" };
  if (row.status === "revoked") return { code: "revoked", reason: "The agent was revoked" };
  if (link.certificateNotAfter <= ctx.now())
    return { code: "certificate_expired", reason: "The certificate of this connection has expired" };
  if (epoch !== link.session.epoch) return { code: "superseded", reason: "A newer connection of this agent took over" };
  if (link.serial !== row.currentSerial && link.serial !== row.pendingSerial)
    return { code: "superseded", reason: "The certificate of this connection was replaced" };
  return undefined;
}
