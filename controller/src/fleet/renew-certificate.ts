// A new certificate for an agent that still holds a valid one. Called by grpc/ for RenewCertificate.
import { OcError } from "@opsconductor/contract/errors";
import type { Context } from "../context.ts";
import type { IssuedCertificate } from "./certificate-authority.ts";
import { chooseCertificateSlot } from "./choose-certificate-slot.ts";
import type { Peer } from "./open-session.ts";
import { lockAgent, setPendingSerial } from "./session-queries.ts";

/** The answer may get lost: until the new serial is used, the old one stays valid and renewing again is harmless. */
export async function renewCertificate(ctx: Context, peer: Peer, csrDer: Uint8Array): Promise<IssuedCertificate> {
  const issued = await ctx.sql.begin(async (tx) => {
    const agent = await lockAgent(tx, peer.agentId);
    const slot = agent && chooseCertificateSlot(agent, peer.serial, peer.connectionOpenedAt);
    if (!agent || agent.status === "revoked" || (slot !== "current" && slot !== "pending"))
      throw new OcError("unauthenticated", "This certificate may not renew itself: it is not the agent's current one");
    if (slot === "pending")
      throw new OcError("failed_precondition", "Say hello with this certificate first: it was not used yet");
    const certificate = await ctx.authority.issueAgentCertificate(agent.id, csrDer);
    await setPendingSerial(tx, agent.id, certificate.serial);
    return certificate;
  });
  ctx.log.info(
    { agentId: peer.agentId, serial: issued.serial, notAfter: issued.notAfter },
    "agent.certificate_renewed",
  );
  return issued;
}
