// Peers over LISTEN and NOTIFY of the database they share: nothing to set up, and nothing is sent while there is only one
// controller. Notifications are sent after the commits they tell of, many together and in a transaction of their own:
// inside of the others, each commit would wait for PostgreSQL's one lock of all notifications. A service of main.ts.
import { setTimeout as sleep } from "node:timers/promises";
import { liveEvent } from "@opsconductor/contract/api/events";
import { type Listening, listen } from "@opsconductor/database/listen";
import * as z from "zod";
import type { Context } from "../context.ts";
import type { Service } from "../service.ts";
import { startLoop } from "../start-loop.ts";
import type { Live } from "./live.ts";
import { packMessages } from "./pack-messages.ts";
import type { PeerMessage, Peers } from "./peers.ts";

const channel = "opsconductor_peers";
/** What is told within this time goes together. */
const gatherMs = 5;
/** Beyond that a page asks again, and the polls find the work: a peer is not to drown in hints. */
const mostWaiting = 5000;
const lookEveryMs = 1000;

const payload = z.object({
  from: z.string(),
  messages: z.array(
    z.object({
      wake: z.array(z.string()).optional(),
      desires: z.array(z.string()).optional(),
      limits: z.literal(true).optional(),
      event: z.unknown().optional(),
    }),
  ),
});

type Base = Pick<Context, "sql" | "log" | "controllerId" | "signal">;

export class PostgresPeers implements Peers {
  private readonly ctx: Base;
  private readonly heard: ((message: PeerMessage) => void)[] = [];
  private readonly waiting: PeerMessage[] = [];
  private sending: Promise<void> | undefined;
  private others = false;
  private dropped = 0;
  private listening: Listening | undefined;
  /** Rounds since our own notification came back, while others live. */
  private silent = 0;

  constructor(ctx: Base) {
    this.ctx = ctx;
  }

  listen(heard: (message: PeerMessage) => void): void {
    this.heard.push(heard);
  }

  tell(message: PeerMessage): void {
    if (!this.others) return;
    if (this.waiting.length >= mostWaiting) this.dropped += 1;
    else this.waiting.push(message);
    this.sending ??= this.send();
  }

  /** Looks who else lives, and whether notifications still arrive. */
  async look(): Promise<void> {
    const { sql, controllerId } = this.ctx;
    const [row] = await sql<{ others: boolean }[]>`
      select exists (select from fleet.controllers where id <> ${controllerId} and lease_until > now()) as others`;
    this.others = row!.others;
    if (!this.others) return await this.stopListening();
    if (this.silent > 2) await this.stopListening();
    if (!this.listening) await this.startListening();
    this.silent += 1;
    await this.notify([JSON.stringify({ from: controllerId, messages: [] })]);
  }

  async stop(): Promise<void> {
    this.others = false;
    while (this.sending) await this.sending;
    await this.stopListening();
  }

  private async startListening(): Promise<void> {
    const listening = await listen(this.ctx.sql, channel, (text) => this.receive(text));
    this.silent = 0;
    this.listening = listening;
    void listening.lost.then(() => {
      if (this.listening === listening) this.listening = undefined;
    });
  }

  private async stopListening(): Promise<void> {
    const { listening } = this;
    this.listening = undefined;
    await listening?.stop();
  }

  private async send(): Promise<void> {
    await sleep(gatherMs);
    const messages = this.waiting.splice(0);
    this.sending = undefined;
    if (this.dropped > 0) this.ctx.log.warn({ messages: this.dropped }, "peers.messages_dropped");
    this.dropped = 0;
    try {
      await this.notify(packMessages(this.ctx.controllerId, messages));
    } catch (error) {
      if (!this.ctx.signal.aborted) this.ctx.log.warn({ err: error, messages: messages.length }, "peers.not_told");
    }
  }

  private async notify(payloads: readonly string[]): Promise<void> {
    await this.ctx.sql`select pg_notify(${channel}, p) from unnest(${payloads as string[]}::text[]) p`;
  }

  /** Whoever may connect to the database may notify, and a peer may be of another version: nothing is believed unread. */
  private receive(text: string): void {
    try {
      const { from, messages } = payload.parse(JSON.parse(text));
      if (from === this.ctx.controllerId) this.silent = 0;
      else for (const message of messages) this.pass(message);
    } catch (error) {
      this.ctx.log.warn({ err: error }, "peers.message_not_understood");
    }
  }

  private pass({ event, ...message }: z.infer<typeof payload>["messages"][number]): void {
    const known = liveEvent.safeParse(event).data;
    for (const heard of this.heard) heard(known ? { ...message, event: known } : message);
  }
}

/** `live` for the pages of this controller and of all others. */
export function liveWithPeers(live: Live, peers: Peers): Live {
  peers.listen(({ event }) => event && live.publish(event));
  return {
    subscribe: (...args) => live.subscribe(...args),
    publish(event) {
      live.publish(event);
      peers.tell({ event });
    },
  };
}

/** For the list of services in main.ts. */
export const peerLink: Service = {
  name: "peers",
  start(ctx) {
    const looking = startLoop(ctx, "peers.look", lookEveryMs, () => ctx.peers.look());
    return {
      async stop() {
        await looking;
        await ctx.peers.stop();
      },
    };
  },
};
