// Keeps this host connected for as long as the agent runs: dial, talk, wait, dial again. Started by main.ts's `run`.
import { setTimeout as sleep } from "node:timers/promises";
import { status } from "@grpc/grpc-js";
import type { Welcome } from "@opsconductor/proto/opsconductor/agent/v1/agent";
import type { Logger } from "pino";
import { candidates } from "./addresses.ts";
import { CertificateKeeper, type ChosenCertificate } from "./certificate-keeper.ts";
import type { RequestMaker } from "./certificate-request.ts";
import { agentClient } from "./channel.ts";
import { CheckpointKeeper } from "./checkpoint-keeper.ts";
import { chooseBackoff } from "./choose-backoff.ts";
import { chooseNextDial } from "./choose-next-dial.ts";
import { explainClock } from "./clock-trouble.ts";
import { FactsReporter } from "./facts-reporter.ts";
import type { Host } from "./host.ts";
import { knock } from "./knock.ts";
import { MarkKeeper } from "./mark-keeper.ts";
import { reauthenticate } from "./reauthenticate.ts";
import { Session, type SessionEnd } from "./session.ts";
import type { Identity, StateFolder } from "./state-folder.ts";
import type { StatusFile } from "./status-file.ts";
import { checkpointsFile } from "./stored-checkpoints.ts";

export interface LinkOptions {
  state: StateFolder;
  identity: Identity;
  host: Host;
  log: Logger;
  status: StatusFile;
  version: string;
  /** Random, one a process. */
  incarnation: string;
  makeRequest: RequestMaker;
  /** False where the environment names a proxy, through which grpc-js then goes and a knock could not. */
  dialsDirectly: boolean;
  signal: AbortSignal;
}

export class Link {
  readonly #o: LinkOptions;
  readonly #certificates: CertificateKeeper;
  readonly #marks: MarkKeeper;
  readonly #checkpoints: CheckpointKeeper;
  readonly #facts: FactsReporter;
  readonly #addresses: string[];
  #identity: Identity;
  #session: Session | undefined;
  #failures = 0;
  #dials = 0;
  /** Of the addresses, since the last welcome or pause. */
  #tried = 0;

  constructor(options: LinkOptions) {
    this.#o = options;
    const { state, identity, host, log, makeRequest } = options;
    this.#identity = identity;
    this.#certificates = new CertificateKeeper(state, makeRequest, log);
    this.#marks = new MarkKeeper(state.file("mark.json"));
    this.#checkpoints = new CheckpointKeeper(state.file(checkpointsFile), identity.clusterId);
    this.#facts = new FactsReporter(host, log);
    this.#addresses = candidates(identity.agentAddress, identity.reachedBy);
    host.onReady(() => this.#session?.ready());
    host.onDegraded(() => this.#session?.beat());
  }

  /** Resolves when the signal was aborted and the stream is closed. */
  async run(): Promise<void> {
    const { signal } = this.#o;
    const stop = () => this.#session?.close("the agent is stopping");
    signal.addEventListener("abort", stop, { once: true });
    while (!signal.aborted) {
      const waitMs = await this.#once();
      if (waitMs > 0) await sleep(waitMs, undefined, { signal }).catch(() => {});
    }
    this.#marks.save();
  }

  /** One dial and all that came of it. Returns how long to wait before the next. */
  async #once(): Promise<number> {
    const chosen = this.#certificates.choose(Date.now());
    if (!chosen) return this.#proveIdentity();
    const end = await this.#talk(chosen);
    if (end.kind === "failed" && this.#tried < this.#addresses.length) {
      this.#o.log.info({ reason: end.reason, waitMs: 0 }, "link.disconnected");
      return 0; // the other address first: a pause is for all of them
    }
    this.#tried = 0;
    this.#failures += 1;
    const next = chooseNextDial(end, chooseBackoff(this.#failures, Math.random()), Math.random());
    if (next.certificateRefused) this.#certificates.refuse(chosen);
    const reason = end.kind === "goodbye" ? `${end.code}: ${end.reason}` : end.reason;
    this.#o.log.info({ reason, waitMs: next.waitMs }, "link.disconnected");
    this.#o.status.update({ state: next.refused ? "refused" : "waiting", reason });
    return next.waitMs;
  }

  async #talk(chosen: ChosenCertificate): Promise<SessionEnd> {
    const { host, log, version, incarnation, state } = this.#o;
    const address = this.#addresses[this.#dials++ % this.#addresses.length]!;
    this.#tried += 1;
    const trust = { authoritiesPem: state.authorities() ?? "", clusterId: this.#identity.clusterId };
    this.#o.status.update({ state: "connecting", address });
    const unanswered = await this.#knock(address);
    if (unanswered) return unanswered;
    const client = agentClient(address, trust, chosen.certificate);
    const session: Session = new Session({
      ...{ host, client, log, version, incarnation },
      certificateSerial: chosen.certificate.serial,
      marks: this.#marks,
      checkpoints: this.#checkpoints,
      facts: this.#facts,
      onWelcome: (welcome) => this.#welcomed(welcome, chosen, address),
      onBeat: ({ runningAttempts, spooledBytes, degraded }) => {
        this.#o.status.update({ runningAttempts, spooledBytes: Number(spooledBytes), degraded });
        void this.#renew(session, client);
      },
    });
    this.#session = session;
    if (this.#o.signal.aborted) session.close("the agent is stopping");
    const end = await session.ended;
    this.#session = undefined;
    this.#facts.sessionEnded();
    client.close();
    return end;
  }

  async #knock(address: string): Promise<SessionEnd | undefined> {
    const { signal, dialsDirectly } = this.#o;
    if (!dialsDirectly) return undefined;
    const startedAtMs = performance.now();
    try {
      await knock(address, signal);
      return undefined;
    } catch (error) {
      const waitedMs = performance.now() - startedAtMs;
      return { kind: "failed", code: status.UNAVAILABLE, reason: (error as Error).message, waitedMs };
    }
  }

  #welcomed(welcome: Welcome, chosen: ChosenCertificate, address: string): void {
    const { state, log, status } = this.#o;
    this.#failures = 0;
    this.#tried = this.#addresses.length; // a lost connection is waited for like a round without success
    this.#dials -= 1; // this address works: begin with it the next time
    this.#certificates.accept(chosen, Math.random());
    if (welcome.renewCertificate) this.#certificates.renewSoon();
    const bundle = welcome.caBundlePem.toString();
    if (bundle && bundle !== state.authorities()) state.saveAuthorities(bundle);
    if (welcome.agentName !== this.#identity.agentName) {
      this.#identity = { ...this.#identity, agentName: welcome.agentName };
      const stored = state.identity(); // as on disk: `run --dial` changes the address for this run only
      if (stored) state.saveIdentity({ ...stored, agentName: welcome.agentName });
    }
    const { agentName, controllerId } = welcome;
    log.info({ address, controllerId, epoch: String(welcome.sessionEpoch) }, "link.connected");
    const certificateNotAfter = new Date(chosen.certificate.notAfterMs).toISOString();
    status.update({ state: "online", reason: "", address, agentName, controllerId, certificateNotAfter });
  }

  async #renew(session: Session, client: ReturnType<typeof agentClient>): Promise<void> {
    if (!(await this.#certificates.renewIfDue(client, Date.now()))) return;
    if (this.#session === session) session.close("to use the new certificate");
  }

  async #proveIdentity(): Promise<number> {
    const { state, log, status, makeRequest } = this.#o;
    try {
      status.update({ state: "connecting", reason: "the certificate has expired: proving the identity" });
      const certificate = await reauthenticate(state, this.#identity, makeRequest);
      log.info({ serial: certificate.serial }, "link.reauthenticated");
      return 0;
    } catch (error) {
      this.#failures += 1;
      const { code, details, message } = error as { code?: number; details?: string; message: string };
      const refused = code === 7 || code === 16;
      log.warn({ err: error }, "link.reauthentication_failed");
      const reason = explainClock(details ?? message, Date.now());
      status.update({ state: refused ? "refused" : "waiting", reason });
      return refused ? 60_000 : chooseBackoff(this.#failures, Math.random());
    }
  }
}
