// A hello becomes the agent's one live session: trust is checked, the epoch raised, older streams lose their right to
// write. Called by grpc/ for the first message of Connect.
import { noteReconnection, type Reconnection } from "../automation/note-interruption.ts";
import { publishTimelines } from "../automation/publish-changes.ts";
import type { Context, Query } from "../context.ts";
import type { AgentSession } from "./agent-link.ts";
import { chooseCertificateSlot } from "./choose-certificate-slot.ts";
import { type DatabaseMark, judgeMark } from "./database-mark.ts";
import type { Platform } from "./enroll-agent.ts";
import { selectPlace } from "./mark-queries.ts";
import { pauseForOlder } from "./pause-dispatch.ts";
import { type Quarantine, quarantineAgent } from "./quarantine-agent.ts";
import {
  activateSerial,
  lockAgent,
  raiseEpoch,
  readSession,
  recordHello,
  type SessionRow,
  type TrustRow,
} from "./session-queries.ts";

/** Who stands at the other end of a TLS connection, by its certificate alone. */
export interface Peer {
  agentId: string;
  serial: string;
  certificateNotAfter: Date;
  /** Without port. */
  address: string;
  connectionOpenedAt: Date;
}

export interface Hello {
  protocolVersion: number;
  agentVersion: string;
  incarnation: string;
  bootId: string;
  actions: string[];
  platform: Platform;
  journalId: string;
  journalPosition: bigint;
  /** The newest mark that the agent keeps. */
  highestMark: DatabaseMark | undefined;
}

/**
 * What the agent's mark says of this database. `paused`: nothing is offered until a person accepts it. `lost`: accepted
 * since, and the agent was there in the history that the restore cut off.
 */
export type History = "shared" | "paused" | "lost";

export type OpenedSession =
  | {
      kind: "opened";
      session: AgentSession;
      quarantined: boolean;
      renewCertificate: boolean;
      told: string[];
      history: History;
      generation: number;
    }
  | { kind: "refused"; code: "unknown_agent" | "revoked" | "stale_certificate"; reason: string };

const keptIncarnations = 16;

export async function openSession(ctx: Context, peer: Peer, hello: Hello): Promise<OpenedSession> {
  const opened = await ctx.sql.begin(async (tx): Promise<OpenedSession> => {
    const agent = await lockAgent(tx, peer.agentId);
    if (!agent) return refuse("unknown_agent", "This controller does not know the agent: enrol the host again");
    if (agent.status === "revoked") return refuse("revoked", "The agent was revoked: enrol the host with a new token");
    const slot = chooseCertificateSlot(agent, peer.serial, peer.connectionOpenedAt);
    if (slot === "stolen") {
      const known = await readSession(tx, agent.id);
      await quarantineAgent(ctx, tx, agent, stolenReason(peer), quarantineOf("certificate", known, peer, ctx.now()));
      return refuse("stale_certificate", "This certificate was replaced by a newer one that is already in use");
    }
    if (slot === "stale") return refuse("stale_certificate", "This certificate is not the agent's current one");
    if (slot === "pending") await activateSerial(tx, agent.id, peer.serial, peer.certificateNotAfter, ctx.now());
    return open(ctx, tx, agent, peer, hello);
  });
  if (opened.kind === "opened") publishTimelines(ctx, opened.told);
  return opened;
}

async function open(ctx: Context, tx: Query, agent: TrustRow, peer: Peer, hello: Hello): Promise<OpenedSession> {
  const before = await readSession(tx, agent.id);
  const suspicion = suspicionOf(agent, before, hello);
  if (suspicion)
    await quarantineAgent(ctx, tx, agent, suspicion.reason, quarantineOf(suspicion.kind, before, peer, ctx.now()));
  const { history, generation } = await compareHistory(ctx, tx, agent, hello.highestMark);
  const epoch = await raiseEpoch(tx, {
    agentId: agent.id,
    controllerId: ctx.controllerId,
    incarnation: hello.incarnation,
    pastIncarnations: pastOf(before, hello.incarnation),
    bootId: hello.bootId,
    serial: peer.serial,
    remoteAddress: peer.address,
    now: ctx.now(),
  });
  const told = before ? await noteReconnection(ctx, tx, reconnectionOf(ctx, agent, before, peer, hello)) : [];
  const { platform, agentVersion: version, protocolVersion, actions, journalId, journalPosition } = hello;
  const columns = { version, protocolVersion, actions, journalId, journalPosition, platform: { ...platform } };
  await recordHello(tx, agent.id, columns, ctx.now());
  return {
    kind: "opened",
    session: { agentId: agent.id, agentName: agent.name, epoch },
    quarantined: agent.status === "quarantined" || suspicion !== undefined,
    told,
    history,
    generation,
    // It came back by its identity key alone: a renewal by certificate sets the count of such returns to zero.
    renewCertificate: agent.reauthentications > 0,
  };
}

async function compareHistory(
  ctx: Context,
  tx: Query,
  agent: TrustRow,
  heard: DatabaseMark | undefined,
): Promise<{ history: History; generation: number }> {
  const judged = await judgeMark(ctx, tx, heard);
  const { generation, pausedAt } = judged?.place ?? (await selectPlace(tx));
  if (!heard || !judged?.older) return { history: pausedAt === null ? "shared" : "paused", generation };
  if (heard.generation < generation) return { history: pausedAt === null ? "lost" : "paused", generation };
  await pauseForOlder(ctx, tx, `agent ${agent.name}`, heard, judged);
  return { history: "paused", generation };
}

function reconnectionOf(ctx: Context, agent: TrustRow, before: SessionRow, peer: Peer, hello: Hello): Reconnection {
  return {
    agentId: agent.id,
    agentName: agent.name,
    address: peer.address,
    awaySince: before.closedAt,
    agentRestarted: before.incarnation !== hello.incarnation,
    hostRebooted: before.bootId !== hello.bootId,
    controllerChanged: before.lastControllerId !== ctx.controllerId,
  };
}

/** A crash loop shows new incarnations only; one that returns after another took over runs beside it. */
function suspicionOf(
  agent: TrustRow,
  before: SessionRow | undefined,
  hello: Hello,
): { kind: "clone" | "rollback"; reason: string } | undefined {
  if (before?.pastIncarnations.includes(hello.incarnation)) {
    const reason = "Two copies of this agent are running: an older process came back after a newer one had taken over";
    return { kind: "clone", reason };
  }
  const wentBack = agent.journalId === hello.journalId && hello.journalPosition < (agent.journalPosition ?? 0n);
  if (!wentBack) return undefined;
  return { kind: "rollback", reason: "The host went back in time: its journal is older than what it told before" };
}

/** Where both were seen, so that a person can tell which machine is which. */
function quarantineOf(kind: Quarantine["kind"], known: SessionRow | undefined, peer: Peer, at: Date): Quarantine {
  const knownAt = known?.connectedAt?.toISOString();
  const before = knownAt ? [{ role: "known" as const, address: known?.remoteAddress ?? "", seenAt: knownAt }] : [];
  return {
    ...{ kind, at: at.toISOString() },
    copies: [...before, { role: "newcomer", address: peer.address, seenAt: at.toISOString() }],
  };
}

function pastOf(before: SessionRow | undefined, incarnation: string): string[] {
  if (!before?.incarnation || before.incarnation === incarnation) return before?.pastIncarnations ?? [];
  return [...before.pastIncarnations.filter((i) => i !== incarnation), before.incarnation].slice(-keptIncarnations);
}

function stolenReason(peer: Peer): string {
  return `A connection from ${peer.address} used a certificate that was already replaced: a copy of the agent's key may be in use`;
}

function refuse(code: "unknown_agent" | "revoked" | "stale_certificate", reason: string): OpenedSession {
  return { kind: "refused", code, reason };
}
