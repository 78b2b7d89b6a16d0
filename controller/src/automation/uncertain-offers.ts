// After a commit whose answer was lost nobody knows whether offers were written. If they were, their agents must get them,
// and before any forget: see dispatcher.ts, which calls this.
import { setTimeout as sleep } from "node:timers/promises";
import type { AgentLink } from "../fleet/agent-link.ts";
import { type AgentRoom, countHeld, countOlderTransactions, selectUnanswered } from "./dispatch-queries.ts";
import type { AutomationBase } from "./dispatcher.ts";
import { type AddressedOffer, type DefinitionCache, loadOffers } from "./offer-message.ts";

export interface UnansweredOffers {
  offers: AddressedOffer[];
  /** Unfinished attempts of each agent, counted from the rows. */
  held: Map<string, number>;
}

const againAfterMs = 500;
const lookEveryMs = 20;

/**
 * The offers of these streams that are committed and that no agent has answered; some may have been sent, and an agent
 * takes an offer that it knows as known. Asks until the database answers; undefined when the controller stops first.
 */
export async function findUnanswered(
  ctx: AutomationBase,
  cache: DefinitionCache,
  links: () => Iterable<AgentLink>,
): Promise<UnansweredOffers | undefined> {
  while (!ctx.signal.aborted) {
    try {
      await untilOlderTransactionsEnd(ctx);
      const rooms = [...links()].filter((link) => link.takesWork).map(({ session }) => roomOf(session));
      const ids = await selectUnanswered(ctx.sql, rooms);
      const offers = await loadOffers(ctx.sql, cache, ids);
      const held = await countHeld(
        ctx.sql,
        rooms.map((room) => room.agentId),
      );
      return { offers, held: new Map(held.map((row) => [row.agentId, Number(row.held)])) };
    } catch (error) {
      if (!ctx.signal.aborted) ctx.log.warn({ err: error }, "dispatch.offers_uncertain");
      await sleep(againAfterMs, undefined, { signal: ctx.signal }).catch(() => undefined);
    }
  }
  return undefined;
}

const roomOf = ({ agentId, epoch }: AgentLink["session"]): AgentRoom => ({ agentId, epoch: String(epoch), room: 0 });

/** The uncertain transaction may still be committing: what began before now has ended when this resolves. */
async function untilOlderTransactionsEnd(ctx: AutomationBase): Promise<void> {
  const [row] = await ctx.sql<[{ at: string }]>`select clock_timestamp()::text as at`;
  while ((await countOlderTransactions(ctx.sql, row.at)) > 0n) await sleep(lookEveryMs);
}
