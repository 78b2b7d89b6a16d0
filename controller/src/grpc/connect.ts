// Connect: hello, welcome, then events in, offers and desires out, until either side hangs up. Registered by
// agent-service.ts; the work itself is AgentWork's.
import { OcError } from "@opsconductor/contract/errors";
import { markStage } from "@opsconductor/contract/stage-marks";
import type {
  AgentMessage,
  AttemptEvent as WireEvent,
  AuditFork as WireFork,
  Hello as WireHello,
} from "@opsconductor/proto/opsconductor/agent/v1/agent";
import type { CheckpointRow } from "../communication/audit-chain-queries.ts";
import { compareKept } from "../communication/compare-kept.ts";
import { reportFork } from "../communication/report-fork.ts";
import type { Context } from "../context.ts";
import type { AgentEvent, AgentWork } from "../fleet/agent-link.ts";
import { StaleSession } from "../fleet/agent-link.ts";
import { closeSession } from "../fleet/close-session.ts";
import { readMark } from "../fleet/database-mark.ts";
import type { LinkRegistry } from "../fleet/links.ts";
import { openSession } from "../fleet/open-session.ts";
import type { Presence } from "../fleet/presence.ts";
import { publishAgents } from "../fleet/publish-agents.ts";
import { storeFacts } from "../fleet/store-facts.ts";
import { logFailure } from "../log-failure.ts";
import type { Admission } from "./admission.ts";
import { AgentStream, type ConnectCall } from "./agent-stream.ts";
import { Batches } from "./batches.ts";
import { toCheckpoint, toEvent, toFork, toHello, toReportedAttempt, toVitals } from "./convert.ts";
import type { Listener } from "./listener.ts";
import { type IdentifiedCall, identify } from "./peer.ts";
import { endWithError, orFail } from "./status.ts";

export const heartbeatMs = 10_000;
export const deadAfterMs = 25_000;
export const outputCreditBytes = 4 * 1024 * 1024;
export const outputCreditPerTryBytes = 1024 * 1024;
/** The oldest protocol this controller speaks, and the agent's version that first spoke it. */
const protocolFloor = { protocol: 1, version: "0.1.0" };

const helloWithinMs = 10_000;
const mostAttempts = 20_000;
/** A hello names some of those that it keeps. */
const mostCheckpoints = 8;
const eventLimits = {
  maxBytes: 1024 * 1024,
  maxItems: 500,
  // The end of a short step must not wait for the commit of its beginning.
  maxCommits: 16,
  pauseBytes: 2 * 1024 * 1024,
  pauseItems: 2000,
};

export interface ConnectParts {
  ctx: Context;
  work: AgentWork;
  links: LinkRegistry<AgentStream>;
  presence: Presence;
  listener: Listener;
  admission: Admission;
}

export function handleConnect(parts: ConnectParts, call: ConnectCall): void {
  const { ctx } = parts;
  const fail = (error: unknown) => endWithError(call, ctx.log, error, "Connect");
  const from = orFail(fail, () => identify(call, parts.listener, ctx.clusterId, ctx.now()));
  if (!from) return;
  const tooLate = setTimeout(() => fail(new OcError("invalid_argument", "No hello within 10 s")), helloWithinMs);
  call.once("close", () => clearTimeout(tooLate));
  call.once("data", (message: AgentMessage) => {
    clearTimeout(tooLate);
    call.pause(); // until the session is open: nothing is read that could not be judged
    const body = message.body;
    if (body?.$case === "hello") void greet(parts, call, from, body.value).catch(fail);
    else fail(new OcError("invalid_argument", "The first message must be hello"));
  });
}

async function greet(parts: ConnectParts, call: ConnectCall, from: IdentifiedCall, wire: WireHello): Promise<void> {
  const { ctx } = parts;
  const hello = toHello(wire);
  const bye = (code: string, reason: string, retryAfterMs = 0) => {
    ctx.log.info({ agentId: from.peer.agentId, address: from.peer.address, code, reason }, "agent.turned_away");
    call.write({ body: { $case: "goodbye", value: { code, reason, retryAfterMs } } });
    call.end();
  };
  if (hello.protocolVersion < protocolFloor.protocol)
    return bye("unsupported_version", `This agent is too old: install version ${protocolFloor.version} or newer`);
  const retryAfterMs = parts.admission.full();
  if (retryAfterMs) return bye("retry_later", "Many agents are connecting at once", retryAfterMs);
  const opened = await parts.admission.run(() => openSession(ctx, from.peer, hello));
  if (opened.kind === "refused") {
    if (opened.code === "stale_certificate") throw new OcError("unauthenticated", opened.reason);
    return bye(opened.code, opened.reason);
  }
  const stream = new AgentStream(call, opened.session, from, { ...opened, features: wire.features });
  new Conversation(parts, call, stream).begin(wire, opened.renewCertificate);
}

/** One open session: from welcome to the end of the stream. */
class Conversation {
  readonly #parts: ConnectParts;
  readonly #call: ConnectCall;
  readonly #stream: AgentStream;
  readonly #events: Batches<AgentEvent>;
  /** Told and not yet being stored. */
  #facts: Uint8Array | undefined;
  #storingFacts = false;

  constructor(parts: ConnectParts, call: ConnectCall, stream: AgentStream) {
    this.#parts = parts;
    this.#call = call;
    this.#stream = stream;
    this.#events = new Batches<AgentEvent>(eventLimits, {
      commit: async (batch) => stream.reply(await parts.work.recordEvents(parts.ctx, stream.session, batch)),
      pressure: (pressed) => this.#setPaused(pressed),
      error: (error) => this.#fail(error),
    });
  }

  begin(hello: WireHello, renewCertificate: boolean): void {
    const { ctx, links, presence } = this.#parts;
    const stream = this.#stream;
    const { agentId, agentName, epoch } = stream.session;
    stream.onClosed((reason) => this.#leave(reason));
    stream.onUnsupported = (event) => void this.#recordDenied(event);
    this.#call.on("data", (message: AgentMessage) => this.#receive(message));
    this.#call.once("end", () => this.#hangUp(this.#why("the agent hung up")));
    this.#call.once("cancelled", () => stream.ended(this.#why("the connection was lost")));
    this.#call.once("close", () => stream.ended(this.#why("the connection was lost")));
    links.put(stream)?.close("superseded", "A newer connection of this agent took over");
    stream.send({
      body: {
        $case: "welcome",
        value: {
          sessionEpoch: epoch,
          controllerId: ctx.controllerId,
          clusterId: ctx.clusterId,
          agentId,
          agentName,
          nowMs: BigInt(ctx.now().getTime()),
          heartbeatMs,
          deadAfterMs,
          caBundlePem: Buffer.from(ctx.authority.bundlePem),
          mark: stream.tellable(presence.mark),
          outputCreditBytes: BigInt(outputCreditBytes),
          outputCreditPerTryBytes: BigInt(outputCreditPerTryBytes),
          renewCertificate,
        },
      },
    });
    ctx.log.info({ agentId, agentName, epoch: String(epoch), address: stream.connection.address }, "agent.connected");
    void publishAgents(ctx, [agentId]);
    for (const { position } of this.#keptOf(hello))
      if (position > stream.checkpointTold) stream.checkpointTold = position;
    if (this.#call.destroyed) stream.ended("the connection was lost before the welcome");
    else if (!stream.closed) void this.#resume(hello);
  }

  /** Of an agent that had fallen silent before, how its connection ended tells nothing. */
  #why(ending: string): string {
    const silentMs = performance.now() - this.#stream.heardAtMs;
    return silentMs < heartbeatMs * 1.2 ? ending : `no sign of life for ${Math.round(silentMs / 1000)} s`;
  }

  /** What the journal holds is told to the work first; events that arrive meanwhile wait. */
  async #resume(hello: WireHello): Promise<void> {
    const { ctx, work } = this.#parts;
    this.#call.resume();
    try {
      if (hello.attempts.length > mostAttempts)
        throw new OcError("invalid_argument", "The hello names too many attempts");
      const replies = await work.resume(ctx, this.#stream, hello.attempts.map(toReportedAttempt));
      this.#stream.resumed = true;
      this.#stream.reply(replies);
      if (this.#stream.history === "lost") await this.#tellNewHistory();
      this.#events.start();
      await this.#compareKept(hello);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Of another generation of the database it may keep more than a restored backup has. */
  #keptOf({ checkpoints }: WireHello): CheckpointRow[] {
    const comparable = checkpoints.filter((c) => c.generation === this.#stream.generation);
    return comparable.slice(0, mostCheckpoints).map(toCheckpoint);
  }

  async #compareKept(hello: WireHello): Promise<void> {
    const { session, history } = this.#stream;
    if (history === "shared") await compareKept(this.#parts.ctx, session, this.#keptOf(hello));
  }

  /** An agent repeats it in every heartbeat. */
  async #takeFork(told: WireFork): Promise<void> {
    const { ctx } = this.#parts;
    const fork = toFork(told);
    const key = `${fork.kind} ${fork.kept.position} ${fork.told.position} ${fork.told.hash?.toString("hex")}`;
    if (key === this.#stream.forkTold) return;
    this.#stream.forkTold = key;
    await reportFork(ctx, this.#stream.session, fork);
  }

  /**
   * Its welcome had no mark, because the lost history was not settled yet. What it does from now on is part of the new
   * one: it has to know that at once, or the next restore would go unnoticed. Presence's mark may be older than that.
   */
  async #tellNewHistory(): Promise<void> {
    const { ctx } = this.#parts;
    this.#stream.heartbeat(ctx.now().getTime(), await readMark(ctx));
  }

  #receive({ body }: AgentMessage): void {
    const stream = this.#stream;
    if (stream.closed) return;
    stream.heardAtMs = performance.now();
    try {
      switch (body?.$case) {
        case "events":
          markStage("events.received");
          for (const event of body.value.events) this.#events.push(toEvent(event), weightOf(event));
          return;
        case "heartbeat":
          stream.vitals = toVitals(body.value, this.#parts.ctx.now().getTime());
          if (body.value.auditFork) void this.#takeFork(body.value.auditFork).catch((error) => this.#fail(error));
          return;
        case "facts":
          void this.#takeFacts(body.value.factsJson);
          return;
        case "hello":
          throw new OcError("invalid_argument", "A second hello on one stream");
        case undefined:
          return; // a kind that a newer agent knows
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  /** One write at a time, of the newest: a host that tells faster than that costs no more. */
  async #takeFacts(factsJson: Uint8Array): Promise<void> {
    this.#facts = factsJson;
    if (this.#storingFacts) return;
    this.#storingFacts = true;
    try {
      while (this.#facts && !this.#stream.closed) {
        const newest = this.#facts;
        this.#facts = undefined;
        await storeFacts(this.#parts.ctx, this.#stream.session, newest);
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#storingFacts = false;
    }
  }

  /** Of an offer that was not sent, because the agent would have misunderstood it. */
  async #recordDenied(event: AgentEvent): Promise<void> {
    try {
      await this.#parts.work.recordEvents(this.#parts.ctx, this.#stream.session, [event]);
    } catch (error) {
      this.#fail(error);
    }
  }

  #setPaused(paused: boolean): void {
    this.#stream.paused = paused;
    if (paused) this.#call.pause();
    else {
      this.#stream.heardAtMs = performance.now();
      this.#call.resume();
    }
  }

  /** Whatever went wrong, the connection ends and the resume finds out from the database what was committed. */
  #fail(error: unknown): void {
    const { ctx } = this.#parts;
    const { agentId, agentName } = this.#stream.session;
    if (this.#stream.closed) return;
    if (error instanceof StaleSession) {
      this.#stream.close("superseded", error.message);
      return;
    }
    if (error instanceof OcError && error.code === "invalid_argument") {
      ctx.log.warn({ agentId, agentName, reason: error.message }, "agent.protocol_violated");
      this.#stream.close("protocol_error", error.message, 5_000);
      return;
    }
    logFailure(
      ctx.log,
      error,
      { agentId, agentName },
      { postponed: "agent.stream_postponed", failed: "agent.stream_failed" },
    );
    this.#stream.close(
      "retry_later",
      "The controller could not store what was sent",
      Math.round(500 + Math.random() * 1500),
    );
  }

  #hangUp(reason: string): void {
    this.#call.end();
    this.#stream.ended(reason);
  }

  #leave(reason: string): void {
    const { ctx, links } = this.#parts;
    const { agentId, agentName, epoch } = this.#stream.session;
    this.#events.close();
    links.remove(this.#stream);
    ctx.log.info({ agentId, agentName, epoch: String(epoch), reason }, "agent.disconnected");
    closeSession(ctx, this.#stream.session, reason).catch((err: unknown) => {
      // The lease, the next hello or the next check of epochs puts it right.
      if (!ctx.signal.aborted) ctx.log.warn({ err, agentId }, "agent.close_not_recorded");
    });
  }
}

/** About the memory that an event takes while it waits. */
function weightOf({ body }: WireEvent): number {
  if (body?.$case === "stepFinished") return 256 + body.value.outputsJson.length;
  return 256 + (body?.$case === "tryFinished" ? body.value.gaps.length * 100 : 0);
}
