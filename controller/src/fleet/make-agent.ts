// The rows of a new agent: a free name, the agent, the target that is its own host, and what the audit log says of it.
// Called by enroll-agent.ts inside its transaction.

import { name as nameSchema } from "@opsconductor/contract/api/common";
import { OcError } from "@opsconductor/contract/errors";
import { matchesGlob } from "@opsconductor/contract/job/glob";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context, Query } from "../context.ts";
import type { Enrolled, EnrollParams } from "./enroll-agent.ts";
import { tokenLabels } from "./enrollment-token-queries.ts";
import { insertAgent, lockNames, putOwnTarget, takenNames, waitingTarget } from "./enrolment-queries.ts";

type Params = EnrollParams & { namePattern: string | null; address: string };

export async function makeAgent(ctx: Context, tx: Query, params: Params): Promise<Enrolled> {
  await lockNames(tx);
  const name = await freeName(tx, params.name, params.namePattern);
  const waiting = await waitingTarget(tx, name);
  const ids = { agentId: ctx.newId(), targetId: waiting ?? ctx.newId() };
  const certificate = await ctx.authority.issueAgentCertificate(ids.agentId, params.csrDer);
  const labels = await tokenLabels(tx, params.tokenId);
  const { identityKey, sealingKey, protocolVersion, tokenId, address } = params;
  const { serial, notAfter: certificateNotAfter } = certificate;
  const platform = { ...params.platform };
  const now = ctx.now();
  await insertAgent(tx, {
    ...{ id: ids.agentId, name, labels, targetId: ids.targetId, now, tokenId },
    ...{ identityKey, sealingKey, serial, certificateNotAfter },
    ...{ version: params.agentVersion, protocolVersion, platform },
  });
  const { hostname, os } = params.platform;
  const target = { id: ids.targetId, name, labels, agentId: ids.agentId, now };
  await putOwnTarget(tx, { ...target, hostname: hostname || null, address, os: os || null });
  await auditNewAgent(ctx, tx, params, { ...ids, name, serial, labels, madeTarget: waiting === undefined });
  return { agentId: ids.agentId, agentName: name, clusterId: ctx.clusterId, certificate };
}

/** The name asked for, or the first free one after it: web-01, web-01-2, web-01-3 … */
async function freeName(tx: Query, asked: string, pattern: string | null): Promise<string> {
  const base = nameSchema.safeParse(asked);
  if (!base.success)
    throw new OcError(
      "invalid_argument",
      `The name ${JSON.stringify(asked)} is not usable: pass --name with letters, digits, dots and dashes`,
    );
  const candidates = [base.data, ...Array.from({ length: 99 }, (_, i) => `${base.data.slice(0, 120)}-${i + 2}`)];
  const taken = await takenNames(
    tx,
    candidates.map((c) => c.toLowerCase()),
  );
  const free = candidates.find((c) => !taken.has(c.toLowerCase()));
  if (!free) throw new OcError("conflict", `Every name like ${base.data} is taken: pass another with --name`);
  if (pattern !== null && !matchesGlob(pattern.toLowerCase(), free.toLowerCase()))
    throw new OcError(
      "permission_denied",
      `The join token is for hosts named ${pattern}, and this one would be ${free}: pass a fitting --name`,
    );
  return free;
}

interface NewAgentFacts {
  agentId: string;
  targetId: string;
  name: string;
  serial: string;
  labels: Record<string, string>;
  madeTarget: boolean;
}

async function auditNewAgent(ctx: Context, tx: Query, params: Params, made: NewAgentFacts): Promise<void> {
  const actor = hostActor(params.address);
  const { name, labels } = made;
  await writeAudit(ctx, tx, actor, {
    action: "agent.enrolled",
    object: { kind: "agent", id: made.agentId, name },
    after: { name, labels, platform: params.platform, version: params.agentVersion },
    detail: { tokenId: params.tokenId, serial: made.serial },
  });
  await writeAudit(ctx, tx, actor, {
    action: made.madeTarget ? "target.created" : "target.updated",
    object: { kind: "target", id: made.targetId, name },
    after: { name, labels, managedByAgentId: made.agentId },
  });
}

/** A host that has no identity yet: all that is known of it is where it called from. */
export function hostActor(address: string): Actor {
  return {
    kind: "anonymous",
    id: null,
    name: "",
    sessionId: null,
    requestId: null,
    address,
    permissions: new Set(),
  };
}
