// The way back for an agent whose certificate expired while its host was away: a nonce, signed by its identity key.
// Called by grpc/ for Challenge and Reauthenticate.

import { randomBytes } from "node:crypto";
import { reauthenticationBytes } from "@opsconductor/contract/enrolment-bytes";
import { OcError } from "@opsconductor/contract/errors";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context } from "../context.ts";
import type { IssuedCertificate } from "./certificate-authority.ts";
import { isSignedBy } from "./is-signed-by.ts";
import {
  insertChallenge,
  lockReturningAgent,
  type ReturningAgent,
  recordReauthentication,
  takeChallenge,
} from "./reauthentication-queries.ts";

const nonceLifeMs = 60_000;
const longestAbsenceMs = 30 * 86_400_000;
const mostReturns = 3;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export async function challengeAgent(ctx: Context, agentId: string): Promise<Buffer> {
  const nonce = randomBytes(32);
  const expiresAt = new Date(ctx.now().getTime() + nonceLifeMs);
  if (uuid.test(agentId)) await insertChallenge(ctx.sql, nonce, agentId, expiresAt);
  return nonce;
}

export interface Proof {
  agentId: string;
  nonce: Uint8Array;
  csrDer: Uint8Array;
  signature: Uint8Array;
}

export async function reauthenticateAgent(ctx: Context, address: string, proof: Proof): Promise<IssuedCertificate> {
  if (!uuid.test(proof.agentId) || proof.nonce.length !== 32) throw unproven();
  const issued = await ctx.sql.begin(async (tx) => {
    if (!(await takeChallenge(tx, proof.nonce, proof.agentId, ctx.now()))) throw unproven();
    const agent = await lockReturningAgent(tx, proof.agentId);
    const bytes = reauthenticationBytes(proof.agentId, proof.nonce, proof.csrDer);
    if (!agent || !isSignedBy(agent.identityKey, bytes, proof.signature)) throw unproven();
    checkReturn(agent, ctx.now());
    const certificate = await ctx.authority.issueAgentCertificate(agent.id, proof.csrDer);
    await recordReauthentication(tx, agent.id, certificate.serial);
    await writeAudit(ctx, tx, agentActor(agent, address), {
      action: "agent.reauthenticated",
      object: { kind: "agent", id: agent.id, name: agent.name },
      detail: { serial: certificate.serial, returns: agent.reauthentications + 1 },
    });
    return certificate;
  });
  ctx.log.info({ agentId: proof.agentId, address, serial: issued.serial }, "agent.reauthenticated");
  return issued;
}

function checkReturn(agent: ReturningAgent, now: Date): void {
  const absentMs = now.getTime() - (agent.certificateNotAfter?.getTime() ?? now.getTime());
  if (agent.status === "revoked")
    throw new OcError("permission_denied", `The agent ${agent.name} was revoked: enrol the host with a new token`);
  if (absentMs > longestAbsenceMs)
    throw new OcError(
      "permission_denied",
      `The agent ${agent.name} was away for more than 30 days: enrol the host again with a new token`,
    );
  if (agent.reauthentications >= mostReturns)
    throw new OcError(
      "permission_denied",
      `The agent ${agent.name} came back ${mostReturns} times without a single renewal in between: enrol the host again with a new token`,
    );
}

/** The same words for every reason, so that nobody can ask which agents exist. */
function unproven(): OcError {
  return new OcError("unauthenticated", "The challenge was not met: ask for a new one and sign it");
}

function agentActor(agent: ReturningAgent, address: string): Actor {
  const none = { sessionId: null, requestId: null };
  return { kind: "agent", id: agent.id, name: agent.name, address, permissions: new Set(), ...none };
}
