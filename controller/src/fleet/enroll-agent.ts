// A one-time token becomes an identity: the agent's row, its own target, a certificate. Called by grpc/ for Enroll.

import { createHash } from "node:crypto";
import { enrolmentBytes } from "@opsconductor/contract/enrolment-bytes";
import { OcError } from "@opsconductor/contract/errors";
import { writeAudit } from "../communication/audit.ts";
import type { Context, Query } from "../context.ts";
import { holdsEverywhere } from "../identity/holds-everywhere.ts";
import type { IssuedCertificate } from "./certificate-authority.ts";
import {
  consumeToken,
  explainToken,
  nameTokensAgent,
  recordRefusedToken,
  type TokenPresented,
} from "./enrollment-token-queries.ts";
import { agentByIdentity, type KnownIdentity, reissueAgent } from "./enrolment-queries.ts";
import { isSignedBy } from "./is-signed-by.ts";
import { hostActor, makeAgent } from "./make-agent.ts";
import { publishAgents } from "./publish-agents.ts";

export interface Platform {
  os: string;
  arch: string;
  hostname: string;
  osName: string;
}

export interface EnrollParams {
  tokenId: string;
  tokenSecret: Uint8Array;
  csrDer: Uint8Array;
  identityKey: Uint8Array;
  sealingKey: Uint8Array;
  signature: Uint8Array;
  name: string;
  platform: Platform;
  agentVersion: string;
  protocolVersion: number;
}

export interface Enrolled {
  agentId: string;
  agentName: string;
  clusterId: string;
  certificate: IssuedCertificate;
}

/** `address` is the caller's, without port. Refusals are OcErrors whose message tells the person at the host what to do. */
export async function enrollAgent(ctx: Context, address: string, params: EnrollParams): Promise<Enrolled> {
  const log = ctx.log.child({ tokenId: params.tokenId, address, hostname: params.platform.hostname });
  try {
    checkProofs(params);
    const secretSha256 = createHash("sha256").update(params.tokenSecret).digest();
    const { tokenId: id, identityKey } = params;
    const presented: TokenPresented = { id, secretSha256, identityKey, address, now: ctx.now() };
    const outcome = await ctx.sql.begin((tx) => consumeAndEnroll(ctx, tx, presented, params));
    if ("refused" in outcome) {
      ctx.live.publish({ kind: "changed", topic: "enrollment-tokens", ids: [params.tokenId] });
      throw outcome.refused;
    }
    log.info({ agentId: outcome.agentId, agentName: outcome.agentName }, "agent.enrolled");
    announce(ctx, params.tokenId, outcome);
    return outcome;
  } catch (error) {
    if (error instanceof OcError) log.warn({ code: error.code, reason: error.message }, "agent.enrolment_refused");
    throw error;
  }
}

function checkProofs(p: EnrollParams): void {
  if (p.tokenId.length > 64 || p.tokenSecret.length !== 32) throw unknownToken();
  if (p.sealingKey.length !== 32 || p.identityKey.length !== 32)
    throw new OcError("invalid_argument", "The identity and sealing keys must have 32 bytes each; upgrade the agent");
  if (!isSignedBy(p.identityKey, enrolmentBytes(p.tokenId, p.csrDer, p.sealingKey), p.signature))
    throw new OcError("unauthenticated", "The enrolment is not signed by the identity key it names; upgrade the agent");
}

/** A refusal that must leave its trace is returned, so that the transaction commits; every other one is thrown. */
async function consumeAndEnroll(
  ctx: Context,
  tx: Query,
  presented: TokenPresented,
  params: EnrollParams,
): Promise<Enrolled | { refused: OcError }> {
  const token = await consumeToken(tx, presented);
  if (!token) return repeatOrRefuse(ctx, tx, presented, params);
  await refuseOutgrown(tx, token.createdBy);
  const known = await agentByIdentity(tx, params.identityKey);
  const enrolled = known
    ? await reissue(ctx, tx, known, params, presented.address)
    : await makeAgent(ctx, tx, { ...params, namePattern: token.namePattern, address: presented.address });
  await nameTokensAgent(tx, presented.id, enrolled.agentId);
  return enrolled;
}

/** Its maker could not make it any more. The token stays unused, for the case that they get the right back. */
async function refuseOutgrown(tx: Query, maker: string | null): Promise<void> {
  if (maker === null || (await holdsEverywhere(tx, maker, "agents:enroll"))) return;
  throw new OcError("permission_denied", "Whoever made this join token may not enrol agents any more: get a new one");
}

/** Told apart only for whoever holds the secret; everybody else learns nothing about which tokens exist. */
async function repeatOrRefuse(ctx: Context, tx: Query, presented: TokenPresented, params: EnrollParams) {
  const token = await explainToken(tx, presented);
  if (!token) throw unknownToken();
  const sameKey = token.usedByKey !== null && Buffer.from(presented.identityKey).equals(token.usedByKey);
  if (token.usedAt && !sameKey) return refuseOtherKey(ctx, tx, presented);
  if (token.revokedAt) throw new OcError("unauthenticated", "The join token was revoked: make a new one");
  if (token.expiresAt <= presented.now)
    throw new OcError("unauthenticated", "The join token has expired: make a new one");
  if (!token.inCidr)
    throw new OcError("permission_denied", `The join token does not allow the address ${presented.address}`);
  const known = await agentByIdentity(tx, params.identityKey);
  if (!known) throw unknownToken();
  return reissue(ctx, tx, known, params, presented.address);
}

async function refuseOtherKey(ctx: Context, tx: Query, presented: TokenPresented): Promise<{ refused: OcError }> {
  await recordRefusedToken(tx, presented.id, presented.now);
  await writeAudit(ctx, tx, hostActor(presented.address), {
    action: "enrollment_token.reused",
    object: { kind: "enrollment_token", id: presented.id },
    outcome: "refused",
  });
  const message =
    "The join token was already used by another host: make a new one, and see the audit log for who used it";
  return { refused: new OcError("permission_denied", message) };
}

/** The same identity again, because a reply was lost or the installer ran twice: the same agent, a new certificate. */
async function reissue(ctx: Context, tx: Query, known: KnownIdentity, params: EnrollParams, address: string) {
  if (known.status === "revoked")
    throw new OcError(
      "permission_denied",
      `The agent ${known.name} of this host was revoked: remove its state directory, then enrol with a new token`,
    );
  const certificate = await ctx.authority.issueAgentCertificate(known.id, params.csrDer);
  await reissueAgent(tx, known.id, params.sealingKey, certificate.serial);
  await writeAudit(ctx, tx, hostActor(address), {
    action: "agent.certificate_issued",
    object: { kind: "agent", id: known.id, name: known.name },
    detail: { why: "enrolled again", tokenId: params.tokenId, serial: certificate.serial },
  });
  return { agentId: known.id, agentName: known.name, clusterId: ctx.clusterId, certificate };
}

function announce(ctx: Context, tokenId: string, { agentId, agentName }: Enrolled): void {
  ctx.live.publish({ kind: "token", topic: "enrollment-tokens", tokenId, agentId, agentName });
  ctx.live.publish({ kind: "changed", topic: "targets", ids: [] });
  void publishAgents(ctx, [agentId]);
}

function unknownToken(): OcError {
  return new OcError("unauthenticated", "The join token is not known here: copy it again, or make a new one");
}
