// The controller's end of one agent's Connect stream: what dispatch sends through, what heartbeats say, how it ends.
// Made by connect.ts once the session is open.
import type { ServerDuplexStream } from "@grpc/grpc-js";
import type { AgentMessage, ControllerMessage } from "@opsconductor/proto/opsconductor/agent/v1/agent";
import type { HandedCheckpoint } from "../communication/latest-checkpoint.ts";
import type {
  AgentEvent,
  AgentLink,
  AgentSession,
  DesireMessage,
  EventReply,
  OfferMessage,
} from "../fleet/agent-link.ts";
import type { DatabaseMark } from "../fleet/database-mark.ts";
import type { FleetLink, Vitals } from "../fleet/fleet-link.ts";
import type { Peer } from "../fleet/open-session.ts";
import { fromCheckpoint, fromDesire, fromEventReply, fromMark, fromOffer } from "./convert.ts";
import type { Connection } from "./listener.ts";

export type ConnectCall = ServerDuplexStream<AgentMessage, ControllerMessage>;

/** Messages that an agent which reads slowly has not taken yet: above this it gets no new offers. */
const mostUnsentMessages = 256;
/** Above this it does not read at all, and what it sends would make us remember answers without end. */
const mostUnreadMessages = 20_000;
/** After a goodbye the agent hangs up; a connection that lost its trust is cut if it does not. */
const goodbyeMs = 1_000;
const cutAfter: readonly string[] = ["revoked", "unknown_agent", "certificate_expired", "protocol_error", "dead"];

export class AgentStream implements FleetLink {
  readonly session: AgentSession;
  readonly serial: string;
  readonly certificateNotAfter: Date;
  readonly connection: Connection;
  quarantined: boolean;
  readonly openedInQuarantine: boolean;
  readonly history: AgentLink["history"];
  readonly generation: number;
  vitals: Vitals | undefined;
  heardAtMs = performance.now();
  /** Its hello has been answered. */
  resumed = false;
  /** The newest checkpoint that it has: another controller may have told it one that we have not read yet. */
  checkpointTold = 0n;
  /** What it last told to contradict the audit log, so that it is looked at once a stream. */
  forkTold = "";
  /** Set while we do not read: silence is then ours, not the agent's. */
  paused = false;
  /** Told of an offer that was not sent: what the agent would have said if it knew what the offer asks for. */
  onUnsupported: (event: AgentEvent) => void = () => {};
  readonly #features: ReadonlySet<string>;
  readonly #call: ConnectCall;
  readonly #onClosed = new Set<(reason: string) => void>();
  #closed: string | undefined;
  #heartbeats = 0n;
  #sentAtMs = performance.now();

  constructor(
    call: ConnectCall,
    session: AgentSession,
    from: { peer: Peer; connection: Connection },
    opened: {
      quarantined: boolean;
      history: AgentLink["history"];
      generation: number;
      features: readonly string[];
    },
  ) {
    this.#call = call;
    this.session = session;
    this.serial = from.peer.serial;
    this.certificateNotAfter = from.peer.certificateNotAfter;
    this.connection = from.connection;
    this.quarantined = opened.quarantined;
    this.openedInQuarantine = opened.quarantined;
    this.history = opened.history;
    this.generation = opened.generation;
    this.#features = new Set(opened.features);
  }

  get takesWork(): boolean {
    const degraded = this.vitals !== undefined && this.vitals.degraded !== "";
    const mayWork = !this.quarantined && this.history !== "paused" && !degraded;
    return !this.#closed && mayWork && this.#call.writableLength < mostUnsentMessages;
  }

  get closed(): boolean {
    return this.#closed !== undefined;
  }

  /** `performance.now()` of the last heartbeat that we sent. */
  get sentAtMs(): number {
    return this.#sentAtMs;
  }

  offer(offer: OfferMessage): void {
    if (offer.check && !this.#features.has("check")) {
      this.onUnsupported(unsupported(offer, "check mode"));
      return;
    }
    this.send({ body: { $case: "offer", value: fromOffer(offer) } });
  }

  desire(desire: DesireMessage): void {
    this.send({ body: { $case: "desire", value: { ...fromDesire(desire), mark: this.tellable(desire.mark) } } });
  }

  /** An agent that knows more keeps its proof until what it did in the lost history is settled here. */
  tellable(mark: DatabaseMark | undefined) {
    return this.history === "shared" || (this.history === "lost" && this.resumed) ? fromMark(mark) : undefined;
  }

  reply(replies: readonly EventReply[]): void {
    for (const reply of replies) this.send(fromEventReply(reply));
  }

  heartbeat(nowMs: number, mark: DatabaseMark | undefined, newest?: HandedCheckpoint): void {
    this.#heartbeats += 1n;
    this.#sentAtMs = performance.now();
    const told = this.tellable(mark);
    const checkpoint = told && newest && newest.position > this.checkpointTold ? newest : undefined;
    if (checkpoint) this.checkpointTold = checkpoint.position;
    const value = {
      ...{ sequence: this.#heartbeats, nowMs: BigInt(nowMs), mark: told },
      checkpoint: checkpoint && fromCheckpoint(checkpoint, told?.generation ?? 0),
    };
    this.send({ body: { $case: "heartbeat", value } });
  }

  send(message: ControllerMessage): void {
    if (this.#closed) return;
    this.#call.write(message);
    if (this.#call.writableLength <= mostUnreadMessages) return;
    this.connection.destroy(); // a goodbye would not be read either
    this.ended("it does not read what it is sent");
  }

  close(code: string, reason: string, retryAfterMs = 0): void {
    if (this.#closed) return;
    this.send({ body: { $case: "goodbye", value: { code, reason, retryAfterMs } } });
    this.#call.end();
    // Never after superseded: the newer stream may be on the same connection.
    if (cutAfter.includes(code)) setTimeout(() => this.connection.destroy(), goodbyeMs).unref();
    this.ended(`${code}: ${reason}`);
  }

  /** The stream is over, by whoever: told once to everybody who asked. */
  ended(reason: string): void {
    if (this.#closed !== undefined) return;
    this.#closed = reason;
    for (const listener of this.#onClosed) listener(reason);
    this.#onClosed.clear();
  }

  /** Returns what takes the listener back. */
  onClosed(listener: (reason: string) => void): () => void {
    if (this.#closed !== undefined) listener(this.#closed);
    else this.#onClosed.add(listener);
    return () => this.#onClosed.delete(listener);
  }

  /** Who waits for the end; one for each output stream that is open, and one for the conversation. */
  get listeners(): number {
    return this.#onClosed.size;
  }
}

function unsupported({ assignmentId, attempt, fence }: OfferMessage, what: string): AgentEvent {
  const reason = `this agent does not know ${what} yet, so it was not asked: upgrade the agent, then run the check again`;
  const body = { kind: "denied", code: "unsupported", reason } as const;
  return { assignmentId, attempt, fence, seq: 1n, atMs: Date.now(), body };
}
