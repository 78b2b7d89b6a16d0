// AgentWork that keeps what it is told in memory, for wire tests: contiguous sequences and offsets, rewinds at a hole,
// and a gate that holds a commit back.

import type { Context } from "../../context.ts";
import type {
  AgentEvent,
  AgentLink,
  AgentSession,
  AgentWork,
  EventReply,
  OutputPiece,
  OutputReply,
  ReportedAttempt,
} from "../../fleet/agent-link.ts";
import { lockSession } from "../../fleet/lock-session.ts";

export class FakeWork implements AgentWork {
  readonly resumed: { session: AgentSession; attempts: ReportedAttempt[] }[] = [];
  readonly batches: AgentEvent[][] = [];
  readonly #output = new Map<string, { chunks: Buffer[]; length: number }>();
  readonly lastSeq = new Map<bigint, bigint>();
  readonly links = new Map<string, AgentLink>();
  /** Awaited before every commit. */
  gate: Promise<void> = Promise.resolve();
  /** Thrown by the next commit. */
  failNext: Error | undefined;
  storing = 0;
  #newest: Promise<unknown> = Promise.resolve();

  /** `key`: fence/step/try. */
  outputOf(key: string): Buffer {
    return Buffer.concat(this.#output.get(key)?.chunks ?? []);
  }

  outputLength(key: string): number {
    return this.#output.get(key)?.length ?? 0;
  }

  get events(): AgentEvent[] {
    return this.batches.flat();
  }

  async resume(_ctx: Context, link: AgentLink, attempts: ReportedAttempt[]): Promise<EventReply[]> {
    this.resumed.push({ session: link.session, attempts });
    this.links.set(link.session.agentId, link);
    return attempts.map((a) => ({ kind: "ack", fence: a.fence, seq: this.lastSeq.get(a.fence) ?? 0n }));
  }

  async recordEvents(ctx: Context, session: AgentSession, events: AgentEvent[]): Promise<EventReply[]> {
    await this.#commit(ctx, session);
    this.batches.push(events);
    const replies = new Map<bigint, EventReply>();
    for (const { fence, seq } of events) replies.set(fence, this.#accept(fence, seq));
    return [...replies.values()];
  }

  #accept(fence: bigint, seq: bigint): EventReply {
    const last = this.lastSeq.get(fence) ?? 0n;
    if (seq > last + 1n) return { kind: "rewind", fence, fromSeq: last + 1n };
    if (seq === last + 1n) this.lastSeq.set(fence, seq);
    return { kind: "ack", fence, seq: this.lastSeq.get(fence)! };
  }

  async storeOutput(ctx: Context, session: AgentSession, pieces: OutputPiece[]): Promise<OutputReply[]> {
    this.storing += 1;
    await this.#commit(ctx, session).finally(() => (this.storing -= 1));
    return pieces.map((piece) => this.#store(piece));
  }

  #store({ fence, stepId, try: tryNumber, offset, data }: OutputPiece): OutputReply {
    const key = `${fence}/${stepId}/${tryNumber}`;
    const stored = this.#output.get(key) ?? { chunks: [], length: 0 };
    this.#output.set(key, stored);
    const at = { fence, stepId, try: tryNumber };
    if (offset > BigInt(stored.length)) return { kind: "rewind", ...at, offset: BigInt(stored.length) };
    const fresh = Buffer.from(data.subarray(stored.length - Number(offset)));
    stored.chunks.push(fresh);
    stored.length += fresh.length;
    return { kind: "ack", ...at, storedBytes: BigInt(stored.length) };
  }

  /** Calls may overlap, and take effect in their order. */
  #commit(ctx: Context, session: AgentSession): Promise<void> {
    const commit = this.#newest.then(() => this.#commitOne(ctx, session));
    this.#newest = commit.catch(() => undefined);
    return commit;
  }

  async #commitOne(ctx: Context, session: AgentSession): Promise<void> {
    await this.gate;
    const error = this.failNext;
    this.failNext = undefined;
    if (error) throw error;
    await ctx.sql.begin((tx) => lockSession(tx, session));
  }
}
