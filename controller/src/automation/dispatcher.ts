// Hands queued assignments to agents whose stream this controller holds. createExecution reserves room and sends at
// once (the fast path); what waits is claimed when an agent returns or finishes something, and by a poll behind both,
// because rows are the truth and everything else is a hint. Started by automation.ts.

import { setTimeout as sleep } from "node:timers/promises";
import { isOutcomeUnknown } from "@opsconductor/database/transaction-lost";
import type { Context, Query } from "../context.ts";
import type { AgentLink, AgentSession, DesireMessage, Links } from "../fleet/agent-link.ts";
import { readMark } from "../fleet/database-mark.ts";
import type { PeerMessage } from "../live/peers.ts";
import { logFailure } from "../log-failure.ts";
import { advanceExecutions } from "./advance-executions.ts";
import {
  type AgentRoom,
  type ClaimedAssignment,
  claimAssignments,
  type DesiredAttempt,
  selectUnmetDesires,
} from "./dispatch-queries.ts";
import type { ExecutionRow } from "./execution-queries.ts";
import { type AgentCap, defaultAgentLimit, lockFleetRoom, lockRooms, selectBacklog } from "./limit-queries.ts";
import { type AddressedOffer, createDefinitionCache, type DefinitionCache, loadOffers } from "./offer-message.ts";
import { publishAssignments, publishExecutions } from "./publish-changes.ts";
import { findUnanswered } from "./uncertain-offers.ts";

export const dispatchPollMs = 3000;
/** Nobody waits for a forget; half a second of them costs one mark and, on the host, one sync. */
const forgetEveryMs = 500;

export interface Dispatcher {
  readonly definitions: DefinitionCache;
  /** Takes a place at the agent when it is connected here and has room; `release` gives it back. */
  reserve(agentId: string): AgentLink | undefined;
  release(agentId: string): void;
  /** The agent's hello is being answered. `inFlight`: what it really holds, counted from the rows. */
  resumed(session: AgentSession, inFlight: number): void;
  /** Claims queued work soon, for these agents; those whose streams others hold are told to them. */
  wake(agentIds: Iterable<string>): void;
  /** For all agents, here and elsewhere: what may run at once was changed. */
  wakeAll(): void;
  /** Runs what commits offers and sends them: forgets wait for it, see `forget`. */
  offering<T>(commitAndSend: () => Promise<T>): Promise<T>;
  /** Sends what is committed. An agent that went away gets it at its next hello. */
  send(offers: readonly AddressedOffer[]): void;
  /** Tells the agent what is wanted of an attempt, by the controller that it is connected to. */
  desire(agentId: string, desire: DesireMessage): void;
  /** The agent may know more than this database: what it holds and we do not know is not to be forgotten. */
  knowsMore(agentId: string): boolean;
  /** Another controller has said so: claims and sends what concerns the agents that are connected here. */
  heard(message: PeerMessage): void;
  /** One round of the poll. */
  poll(): Promise<void>;
  /** Waits until no claim is under way. */
  idle(): Promise<void>;
}

/** What automation's own parts are built from: the context, before it holds them. */
export type AutomationBase = Pick<
  Context,
  "sql" | "now" | "log" | "live" | "peers" | "metrics" | "signal" | "config" | "newId" | "keys"
>;

export function createDispatcher(ctx: AutomationBase, links: Links): Dispatcher {
  return new RowDispatcher(ctx, links);
}

class RowDispatcher implements Dispatcher {
  readonly definitions = createDefinitionCache();
  private readonly ctx: AutomationBase;
  private readonly links: Links;
  private readonly inFlight = new Map<string, number>();
  /** Epochs of the streams whose hello was answered. */
  private readonly answered = new Map<string, bigint>();
  private readonly offersUnderWay = new Set<Promise<void>>();
  /** Agents with queued work and no room: a finish wakes them. */
  private readonly waiting = new Set<string>();
  /** Agents with queued work that the limit of the fleet holds back: a finish anywhere here wakes them. */
  private readonly heldBack = new Set<string>();
  /** Agents with a limit of their own or of the settings: the rows say how much room they have. */
  private readonly capped = new Set<string>();
  private readonly woken = new Set<string>();
  /** Agents that finished something while a claim is under way, which has looked for room before. */
  private readonly roomier = new Set<string>();
  private claiming: Promise<void> | undefined;
  private readonly forgets: { link: AgentLink; desire: DesireMessage }[] = [];
  private forgetting: Promise<void> | undefined;
  /** Offers whose commit may have been done are looked for, one after the other. */
  private recovering = Promise.resolve();

  constructor(ctx: AutomationBase, links: Links) {
    this.ctx = ctx;
    this.links = links;
    ctx.peers.listen((message) => this.heard(message));
  }

  reserve(agentId: string): AgentLink | undefined {
    const link = this.links.get(agentId);
    if (!link?.takesWork) return undefined;
    const held = this.inFlight.get(agentId) ?? 0;
    if (held >= defaultAgentLimit) {
      this.waiting.add(agentId);
      return undefined;
    }
    this.inFlight.set(agentId, held + 1);
    return link;
  }

  release(agentId: string): void {
    const held = this.inFlight.get(agentId) ?? 0;
    if (held > 1) this.inFlight.set(agentId, held - 1);
    else this.inFlight.delete(agentId);
    if (this.claiming) this.roomier.add(agentId);
    if (this.waiting.delete(agentId)) this.wake([agentId]);
    if (this.heldBack.size === 0) return;
    this.wake(this.heldBack);
    this.heldBack.clear();
  }

  wakeAll(): void {
    this.claimSoon(this.agentsHere());
    this.ctx.peers.tell({ limits: true });
  }

  heard({ wake, desires, limits }: PeerMessage): void {
    const isHere = (id: string) => this.links.get(id) !== undefined;
    if (wake) this.claimSoon(wake.filter(isHere));
    if (limits) this.claimSoon(this.agentsHere());
    const wanted = desires?.filter(isHere) ?? [];
    if (wanted.length === 0) return;
    this.sendDesires(wanted).catch((error) => {
      // The poll says it again.
      if (!this.ctx.signal.aborted) this.ctx.log.warn({ err: error }, "dispatch.desires_not_sent");
    });
  }

  resumed({ agentId, epoch }: AgentSession, inFlight: number): void {
    this.inFlight.set(agentId, inFlight);
    this.answered.set(agentId, epoch);
  }

  wake(agentIds: Iterable<string>): void {
    const { here, elsewhere } = Object.groupBy(agentIds, (id) => (this.links.get(id) ? "here" : "elsewhere"));
    this.claimSoon(here ?? []);
    if (elsewhere) this.ctx.peers.tell({ wake: elsewhere });
  }

  private agentsHere(): string[] {
    return [...this.links.all()].map((link) => link.session.agentId);
  }

  private claimSoon(agentIds: readonly string[]): void {
    for (const id of agentIds) this.woken.add(id);
    if (this.woken.size > 0) this.claiming ??= this.claimWoken();
  }

  async idle(): Promise<void> {
    while (this.claiming ?? this.forgetting) await (this.claiming ?? this.forgetting);
    await this.recovering;
  }

  async offering<T>(commitAndSend: () => Promise<T>): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.offersUnderWay.add(promise);
    const end = () => {
      this.offersUnderWay.delete(promise);
      resolve();
    };
    try {
      const result = await commitAndSend();
      end();
      return result;
    } catch (error) {
      if (isOutcomeUnknown(error)) this.recovering = this.recovering.then(() => this.sendUnanswered()).then(end);
      else end();
      throw error;
    }
  }

  /** The commit may have been done: agents that stay connected would never hear of what they were given. */
  private async sendUnanswered(): Promise<void> {
    const found = await findUnanswered(this.ctx, this.definitions, () => this.links.all());
    if (!found) return;
    this.send(found.offers);
    for (const [agentId, held] of found.held) this.inFlight.set(agentId, held);
    this.ctx.log.info({ offers: found.offers.length }, "dispatch.offers_recovered");
  }

  send(offers: readonly AddressedOffer[]): void {
    for (const { agentId, message } of offers) this.links.get(agentId)?.offer(message);
  }

  desire(agentId: string, desire: DesireMessage): void {
    const link = this.links.get(agentId);
    if (!link && desire.want !== "forget") this.ctx.peers.tell({ desires: [agentId] });
    if (!link) return;
    if (desire.want === "forget") this.forget(link, desire);
    else link.desire(desire);
  }

  /**
   * An agent that forgot an attempt refuses every older fence, because it can no longer tell whether it ran it. So a
   * forget must overtake no offer: not those that the answer to a hello brings back, and not those of a transaction
   * that has taken its fences and is still to be committed.
   */
  private forget(link: AgentLink, desire: DesireMessage): void {
    const { agentId, epoch } = link.session;
    if (this.answered.get(agentId) !== epoch) return; // the answer to the hello says it
    this.forgets.push({ link, desire });
    this.forgetting ??= this.sendForgets();
  }

  /**
   * Many together, with a mark that is read after their commits: an agent keeps the mark before it lets go of the
   * outcome, so it always has either the outcome or the proof that this database once had it.
   */
  private async sendForgets(): Promise<void> {
    await sleep(forgetEveryMs, undefined, { signal: this.ctx.signal }).catch(() => {});
    const due = this.forgets.splice(0);
    this.forgetting = undefined;
    try {
      const mark = await readMark(this.ctx);
      await Promise.all(this.offersUnderWay);
      for (const { link, desire } of due) link.desire({ ...desire, mark });
    } catch (error) {
      // The next hello says it again.
      if (!this.ctx.signal.aborted) this.ctx.log.warn({ err: error, forgets: due.length }, "dispatch.forgets_not_sent");
    }
  }

  knowsMore(agentId: string): boolean {
    return this.links.get(agentId)?.history === "paused";
  }

  async poll(): Promise<void> {
    const links = [...this.links.all()];
    if (links.length === 0) return;
    const idOf = (link: AgentLink) => link.session.agentId;
    const backlog = await selectBacklog(this.ctx.sql, links.filter((link) => link.takesWork).map(idOf));
    for (const b of backlog) {
      this.inFlight.set(b.agentId, Number(b.inFlight));
      if (b.isCapped) this.capped.add(b.agentId);
    }
    this.wake(backlog.map((b) => b.agentId));
    await this.sendDesires(links.map(idOf));
  }

  private async sendDesires(agentIds: readonly string[]): Promise<void> {
    for (const row of await selectUnmetDesires(this.ctx.sql, agentIds)) this.desire(row.agentId, desireOf(row));
  }

  private async claimWoken(): Promise<void> {
    await Promise.resolve(); // so that everything woken in this turn shares one claim
    while (this.woken.size > 0) {
      const rooms = this.takeRooms();
      if (rooms.length === 0) continue;
      try {
        await this.claim(rooms);
      } catch (error) {
        if (!this.ctx.signal.aborted)
          logFailure(
            this.ctx.log,
            error,
            {},
            { postponed: "dispatch.claim_postponed", failed: "dispatch.claim_failed" },
          );
      }
    }
    this.claiming = undefined;
  }

  private takeRooms(): AgentRoom[] {
    const rooms: AgentRoom[] = [];
    this.roomier.clear();
    for (const agentId of this.woken) {
      const link = this.links.get(agentId);
      const room = Math.max(0, defaultAgentLimit - (this.inFlight.get(agentId) ?? 0));
      if (link?.takesWork && (room > 0 || this.capped.has(agentId)))
        rooms.push({ agentId, epoch: String(link.session.epoch), room });
      else if (link?.takesWork) this.waiting.add(agentId);
    }
    this.woken.clear();
    return rooms;
  }

  private async claim(rooms: readonly AgentRoom[]): Promise<void> {
    const at = this.ctx.now();
    const { executions, claimed, caps } = await this.offering(async () => {
      const made = await this.ctx.sql.begin((tx) => this.claimRows(tx, rooms, at));
      this.send(made.offers);
      return made;
    });
    this.countClaimed(caps, claimed);
    this.report(claimed, executions);
  }

  private async claimRows(tx: Query, rooms: readonly AgentRoom[], at: Date) {
    const caps = await lockRooms(tx, rooms);
    const most = caps.some((cap) => cap.fleetLimit !== null) ? await lockFleetRoom(tx) : null;
    const claimed = await claimAssignments(tx, caps, { at, most });
    const offers = await loadOffers(
      tx,
      this.definitions,
      claimed.map((c) => c.id),
    );
    const executions = await advanceExecutions(
      tx,
      claimed.map((c) => ({ executionId: c.executionId, stageId: c.stageId, from: "queued", to: "offered", at })),
    );
    return { claimed, offers, executions, caps };
  }

  private countClaimed(caps: readonly AgentCap[], claimed: readonly ClaimedAssignment[]): void {
    const byAgent = Map.groupBy(claimed, (c) => c.agentId);
    for (const { agentId, room, cap, fleetLimit } of caps) {
      const taken = byAgent.get(agentId)?.length ?? 0;
      this.inFlight.set(agentId, (this.inFlight.get(agentId) ?? 0) + taken);
      const isFull = taken === room;
      if (isFull ? this.roomier.has(agentId) : fleetLimit !== null && this.roomier.size > 0) this.woken.add(agentId);
      else if (isFull) this.waiting.add(agentId);
      else if (fleetLimit !== null) this.heldBack.add(agentId);
      if (cap === null) this.capped.delete(agentId);
      else this.capped.add(agentId);
    }
  }

  private report(claimed: readonly ClaimedAssignment[], executions: readonly ExecutionRow[]): void {
    if (claimed.length === 0) return;
    this.ctx.log.debug({ assignments: claimed.length, executions: executions.length }, "assignment.offered");
    publishExecutions(this.ctx, executions);
    publishAssignments(
      this.ctx,
      executions,
      claimed.map((c) => ({ ...c, state: "offered", stateReason: null })),
    );
  }
}

export function desireOf(row: DesiredAttempt): DesireMessage {
  return {
    assignmentId: row.id,
    attempt: row.attempt,
    fence: row.fence,
    want: row.desired,
    releaseThroughStep: Number(row.releaseThroughStep),
    reason: row.desiredReason ?? "",
  };
}
