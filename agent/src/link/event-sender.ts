// Sends the journal's events of all attempts over one session, in order, and again from wherever the controller asks.
// Owned by session.ts; keeps nothing that is not in the journal.
import { markStage } from "@opsconductor/contract/stage-marks";
import type { AgentMessage } from "@opsconductor/proto/opsconductor/agent/v1/agent";
import { fromEvent } from "./convert.ts";
import type { Host } from "./host.ts";

const mostEventsPerMessage = 100;
const mostBytesPerMessage = 256 * 1024;
/** A controller that asks for the same event this often cannot use it: the connection is made anew. */
const mostRewinds = 8;

export interface EventSink {
  /** False: wait for `drained` before writing more. */
  write(message: AgentMessage): boolean;
  /** The stream cannot go on. */
  fail(reason: string): void;
}

export class EventSender {
  readonly #host: Host;
  readonly #sink: EventSink;
  /** Newest seq sent in this session, by fence. */
  readonly #sent = new Map<bigint, bigint>();
  /** Attempts of the hello: the controller says first what it has of them. */
  readonly #unanswered: Set<bigint>;
  readonly #rewinds = new Map<bigint, { seq: bigint; times: number }>();
  #blocked = false;

  constructor(host: Host, sink: EventSink, reported: Iterable<bigint>) {
    this.#host = host;
    this.#sink = sink;
    this.#unanswered = new Set(reported);
  }

  /** Sends whatever is new. Called when the host has something, and after every word of the controller. */
  pump(): void {
    for (const { fence, lastSeq } of this.#host.attempts()) {
      while (!this.#blocked && !this.#unanswered.has(fence) && this.#sentOf(fence) < lastSeq)
        if (!this.#sendSome(fence)) break;
      if (this.#blocked) return;
    }
  }

  drained(): void {
    this.#blocked = false;
    this.pump();
  }

  acknowledge(fence: bigint, seq: bigint): void {
    this.#unanswered.delete(fence);
    this.#rewinds.delete(fence);
    if (this.#sentOf(fence) < seq) this.#sent.set(fence, seq);
    this.#host.acknowledgeEvents(fence, seq);
    this.pump();
  }

  rewind(fence: bigint, fromSeq: bigint): void {
    const before = this.#rewinds.get(fence);
    const times = before?.seq === fromSeq ? before.times + 1 : 1;
    this.#rewinds.set(fence, { seq: fromSeq, times });
    if (times > mostRewinds) {
      this.#sink.fail(`The controller asked ${times} times for event ${fromSeq} of ${fence}`);
      return;
    }
    this.#unanswered.delete(fence);
    this.#sent.set(fence, fromSeq - 1n);
    this.pump();
  }

  /** The controller had its chance to say what it has: send from the start what it did not speak of. */
  answerRest(): void {
    if (this.#unanswered.size === 0) return;
    this.#unanswered.clear();
    this.pump();
  }

  #sendSome(fence: bigint): boolean {
    const stored = this.#host.eventsAfter(fence, this.#sentOf(fence), mostEventsPerMessage);
    const last = stored.at(-1);
    if (!last) return false;
    const events = [];
    let size = 0;
    for (const event of stored) {
      const weight = event.body.kind === "stepFinished" ? event.body.outputsJson.length : 200;
      if (events.length > 0 && size + weight > mostBytesPerMessage) break;
      size += weight;
      events.push(fromEvent(event));
    }
    this.#sent.set(fence, events.at(-1)!.seq);
    this.#blocked = !this.#sink.write({ body: { $case: "events", value: { events } } });
    markStage("events.sent");
    return true;
  }

  #sentOf(fence: bigint): bigint {
    return this.#sent.get(fence) ?? 0n;
  }
}
