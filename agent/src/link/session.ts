// One Connect stream from hello to its end: events and output out, offers and desires in. Run by link.ts, which decides
// what comes after.
import { type ClientDuplexStream, type ServiceError, status } from "@grpc/grpc-js";
import { markStage } from "@opsconductor/contract/stage-marks";
import type {
  AgentMessage,
  AgentServiceClient,
  AuditCheckpoint,
  ControllerMessage,
  Goodbye,
  Heartbeat,
  Hello,
  Welcome,
} from "@opsconductor/proto/opsconductor/agent/v1/agent";
import type { Logger } from "pino";
import type { CheckpointKeeper } from "./checkpoint-keeper.ts";
import { explainClock } from "./clock-trouble.ts";
import { ControllerClock } from "./controller-clock.ts";
import { fromVitals, toDesire, toOffer } from "./convert.ts";
import { EventSender } from "./event-sender.ts";
import type { FactsReporter } from "./facts-reporter.ts";
import type { Host } from "./host.ts";
import type { MarkKeeper } from "./mark-keeper.ts";
import { OutputSender } from "./output-sender.ts";
import { thisPlatform } from "./platform.ts";
import { features, formatVersion, protocolVersion } from "./protocol.ts";

const welcomeWithinMs = 15_000;
/** For the controller's word on the attempts of the hello; after it they are sent from the start. */
const answersWithinMs = 2_000;

export type SessionEnd =
  | { kind: "goodbye"; code: string; reason: string; retryAfterMs: number }
  /** `waitedMs`: so long nobody answered at the address. */
  | { kind: "failed"; code: status; reason: string; waitedMs?: number }
  /** We ended it ourselves: to use a new certificate, or to stop. */
  | { kind: "closed"; reason: string };

export interface SessionParts {
  host: Host;
  client: AgentServiceClient;
  log: Logger;
  version: string;
  incarnation: string;
  certificateSerial: string;
  marks: MarkKeeper;
  checkpoints: CheckpointKeeper;
  facts: FactsReporter;
  /** Told once, when the controller has welcomed us. */
  onWelcome(welcome: Welcome): void;
  /** With every heartbeat that was sent: the time to look whether the certificate is due. */
  onBeat(beat: Heartbeat): void;
}

export class Session {
  readonly #parts: SessionParts;
  readonly #call: ClientDuplexStream<AgentMessage, ControllerMessage>;
  readonly #clock = new ControllerClock();
  readonly #resolve: (end: SessionEnd) => void;
  /** How it ended. Never rejects. */
  readonly ended: Promise<SessionEnd>;
  readonly #reported: bigint[];
  #events: EventSender | undefined;
  #output: OutputSender | undefined;
  #over = false;
  #heardAtMs = performance.now();
  #deadAfterMs = welcomeWithinMs;
  #beats = 0n;
  #timers: NodeJS.Timeout[] = [];

  constructor(parts: SessionParts) {
    this.#parts = parts;
    const { promise, resolve } = Promise.withResolvers<SessionEnd>();
    this.ended = promise;
    this.#resolve = resolve;
    this.#call = parts.client.connect();
    this.#call.on("data", (message: ControllerMessage) => this.#receive(message));
    this.#call.on("drain", () => this.#events?.drained());
    this.#call.on("error", (error: ServiceError) => this.#finish(endOf(error)));
    this.#call.on("end", () => this.#finish({ kind: "failed", code: status.UNAVAILABLE, reason: "the stream ended" }));
    const hello = this.#hello();
    this.#reported = hello.attempts.map((a) => a.fence);
    this.#call.write({ body: { $case: "hello", value: hello } });
    this.#every(1_000, () => this.#watch());
  }

  /** Something may be there to send. */
  ready(): void {
    if (this.#over) return;
    this.#events?.pump();
    this.#output?.pump();
  }

  /** Says how the host is, now and not only when it is time. */
  beat(): void {
    if (!this.#over && this.#events !== undefined) this.#beat();
  }

  close(reason: string): void {
    this.#call.end();
    this.#finish({ kind: "closed", reason });
  }

  #hello(): Hello {
    const { host, version, incarnation, certificateSerial, marks, checkpoints } = this.#parts;
    return {
      protocolVersion,
      formatVersion,
      agentVersion: version,
      incarnation,
      bootId: host.bootId(),
      actions: host.actions(),
      platform: thisPlatform(),
      journalId: host.journalId(),
      journalPosition: host.journalPosition(),
      attempts: host.attempts().map((a) => ({ ...a })),
      certificateSerial,
      highestMark: marks.highest,
      checkpoints: checkpoints.forHello(),
      features,
    };
  }

  #receive({ body }: ControllerMessage): void {
    if (this.#over) return;
    this.#heardAtMs = performance.now();
    try {
      if (body?.$case === "goodbye") this.#leave(body.value);
      else if (body?.$case === "welcome") this.#begin(body.value);
      else if (this.#events) this.#handle(body, this.#events);
      else this.#fail("The controller spoke before it welcomed us");
    } catch (error) {
      // The host refused to go on (a poisoned journal says so in heartbeats): what was said will be said again.
      this.#parts.log.error({ err: error, message: body?.$case }, "link.message_not_handled");
      this.#fail(`The host could not take ${body?.$case}: ${(error as Error).message}`);
    }
  }

  #handle(body: ControllerMessage["body"], events: EventSender): void {
    const { host, marks } = this.#parts;
    switch (body?.$case) {
      case "offer":
        markStage("offer.received");
        host.receiveOffer(toOffer(body.value), this.#clock.nowMs());
        break;
      case "desire": {
        const desire = toDesire(body.value);
        if (desire && (desire.want !== "forget" || marks.keep(body.value.mark))) host.receiveDesire(desire);
        break;
      }
      case "eventAck":
        events.acknowledge(body.value.fence, body.value.seq);
        break;
      case "eventRewind":
        events.rewind(body.value.fence, body.value.fromSeq);
        break;
      case "heartbeat":
        this.#clock.hear(Number(body.value.nowMs));
        marks.hear(body.value.mark);
        this.#hearCheckpoint(body.value.checkpoint);
    }
  }

  /** A contradiction is told at once: who made it may soon have a reason to end this agent. */
  #hearCheckpoint(told: AuditCheckpoint | undefined): void {
    const fork = this.#parts.checkpoints.hear(told, Date.now());
    if (!fork) return;
    const { kind, kept } = fork;
    const positions = { kept: String(kept?.position), told: String(told?.position) };
    this.#parts.log.error({ kind, ...positions }, "audit.fork_noticed");
    this.#beat();
  }

  #leave({ code, reason, retryAfterMs }: Goodbye): void {
    this.#finish({ kind: "goodbye", code, reason, retryAfterMs });
  }

  #begin(welcome: Welcome): void {
    const { host, client, facts, marks } = this.#parts;
    this.#clock.hear(Number(welcome.nowMs));
    marks.hear(welcome.mark);
    this.#deadAfterMs = welcome.deadAfterMs;
    const fail = (reason: string) => this.#fail(reason);
    const write = (message: AgentMessage) => !this.#over && this.#call.write(message);
    this.#events = new EventSender(host, { write, fail }, this.#reported);
    const credit = { totalBytes: welcome.outputCreditBytes, perTryBytes: welcome.outputCreditPerTryBytes };
    this.#output = new OutputSender(host, { epoch: welcome.sessionEpoch, credit }, () => client.pushOutput(), fail);
    this.#parts.onWelcome(welcome);
    this.#beat();
    this.#every(welcome.heartbeatMs, () => this.#beat());
    this.#every(answersWithinMs, () => this.#events?.answerRest());
    this.#every(facts.everyMs, () => this.#reportFacts());
    void this.#reportFacts();
    this.ready();
  }

  #beat(): void {
    this.#beats += 1n;
    const value = { ...fromVitals(this.#parts.host, this.#beats), auditFork: this.#parts.checkpoints.fork };
    this.#call.write({ body: { $case: "heartbeat", value } });
    this.#parts.onBeat(value);
  }

  async #reportFacts(): Promise<void> {
    const factsJson = await this.#parts.facts.next();
    if (factsJson && !this.#over) this.#call.write({ body: { $case: "facts", value: { factsJson } } });
  }

  #watch(): void {
    const silentMs = performance.now() - this.#heardAtMs;
    if (silentMs > this.#deadAfterMs) this.#fail(`Nothing was heard of the controller for ${Math.round(silentMs)} ms`);
  }

  #fail(reason: string): void {
    this.#finish({ kind: "failed", code: status.UNAVAILABLE, reason });
  }

  #every(ms: number, run: () => void): void {
    this.#timers.push(setInterval(run, ms));
  }

  #finish(end: SessionEnd): void {
    if (this.#over) return;
    this.#over = true;
    for (const timer of this.#timers) clearInterval(timer);
    this.#output?.close();
    if (end.kind !== "goodbye") this.#call.cancel();
    this.#resolve(end);
  }
}

function endOf(error: ServiceError): SessionEnd {
  return { kind: "failed", code: error.code, reason: explainClock(error.details || error.message, Date.now()) };
}
