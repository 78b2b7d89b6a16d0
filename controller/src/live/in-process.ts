// The publish and subscribe of one controller: a ring of the newest events, so that a page that lost its connection
// goes on where it was. Built once by the start; ids are worth nothing to another process, which answers with a reset.
import { randomBytes } from "node:crypto";
import type { LiveEvent } from "@opsconductor/contract/api/events";
import type { Logger } from "pino";
import type { Live } from "./live.ts";

type Listener = (id: string, event: LiveEvent) => void;

/** Enough for a minute of a busy fleet at about 1 KB an event. */
const ringSize = 8192;

export function createLive(log: Logger): Live {
  return new InProcessLive(log);
}

class InProcessLive implements Live {
  private readonly log: Logger;
  private readonly boot = randomBytes(6).toString("hex");
  private readonly ring: LiveEvent[] = [];
  private readonly listeners = new Map<string, Set<Listener>>();
  /** Sequence number of the newest event; the ring holds the `ring.length` newest ones. */
  private last = 0;

  constructor(log: Logger) {
    this.log = log;
  }

  publish(event: LiveEvent): void {
    this.last += 1;
    this.ring[this.last % ringSize] = event;
    const id = this.idOf(this.last);
    for (const listener of this.listeners.get(event.topic) ?? []) this.deliver(listener, id, event);
  }

  /** A listener's failure is its own: the publisher's transaction has long been committed. */
  private deliver(listener: Listener, id: string, event: LiveEvent): void {
    try {
      listener(id, event);
    } catch (error) {
      this.log.error({ err: error, topic: event.topic }, "live.listener_failed");
    }
  }

  subscribe(topics: readonly string[], lastEventId: string | undefined, listener: Listener) {
    const from = this.resumePoint(lastEventId);
    const reset = lastEventId !== undefined && from === undefined;
    for (let n = (from ?? this.last) + 1; n <= this.last; n++) {
      const event = this.ring[n % ringSize]!;
      if (topics.includes(event.topic)) this.deliver(listener, this.idOf(n), event);
    }
    for (const topic of topics) this.setOf(topic).add(listener);
    return { reset, lastId: this.idOf(this.last), close: () => this.unsubscribe(topics, listener) };
  }

  private resumePoint(lastEventId: string | undefined): number | undefined {
    const [boot, sequence] = lastEventId?.split("-") ?? [];
    const n = Number(sequence);
    const held = boot === this.boot && Number.isSafeInteger(n) && n <= this.last && n >= this.last - ringSize;
    return held ? n : undefined;
  }

  private setOf(topic: string): Set<Listener> {
    const found = this.listeners.get(topic) ?? new Set();
    this.listeners.set(topic, found);
    return found;
  }

  private unsubscribe(topics: readonly string[], listener: Listener): void {
    for (const topic of topics) {
      const set = this.listeners.get(topic);
      set?.delete(listener);
      if (set?.size === 0) this.listeners.delete(topic);
    }
  }

  private idOf(n: number): string {
    return `${this.boot}-${n}`;
  }
}
