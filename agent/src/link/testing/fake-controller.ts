// A controller that speaks the real wire over real TLS and keeps everything in memory, for tests of the agent's side.
import { randomBytes, randomUUID } from "node:crypto";
import { Server, ServerCredentials, type ServerDuplexStream, status } from "@grpc/grpc-js";
import {
  type AgentMessage,
  AgentServiceService,
  type AttemptEvent,
  type AuditCheckpoint,
  type ControllerMessage,
  EnrollmentServiceService,
  type EnrollRequest,
  type Hello,
  type OutputMessage,
  type OutputReply,
  type ReauthenticateRequest,
} from "@opsconductor/proto/opsconductor/agent/v1/agent";
import { makeTestAuthority, type TestAuthority } from "./test-authority.ts";

type Call = ServerDuplexStream<AgentMessage, ControllerMessage>;
type OutputCall = ServerDuplexStream<OutputMessage, OutputReply>;

export class FakeController {
  readonly authority: TestAuthority;
  readonly agentId = randomUUID();
  readonly tokenSecret = randomBytes(32);
  agentPort = 0;
  apiPort = 0;
  /** Of the certificates it issues. */
  lifeMs = 3_600_000;
  epoch = 0n;
  /** In every heartbeat. */
  checkpoint: AuditCheckpoint | undefined;
  readonly hellos: Hello[] = [];
  readonly serials: string[] = [];
  readonly heartbeats: AgentMessage[] = [];
  readonly facts: Buffer[] = [];
  readonly enrolments: EnrollRequest[] = [];
  readonly proofs: ReauthenticateRequest[] = [];
  renewals = 0;
  call: Call | undefined;
  outputCalls: OutputCall[] = [];
  /** Stored events by fence, contiguous from 1. */
  readonly events = new Map<bigint, AttemptEvent[]>();
  /** Every event that arrived, repeats included. */
  readonly arrived: AttemptEvent[] = [];
  readonly output = new Map<string, Buffer>();
  chunks: string[] = [];
  /** Acknowledgements are kept back while false. */
  acknowledging = true;
  answerHello: (hello: Hello) => ControllerMessage["body"] | undefined = () => undefined;
  renewCertificate = false;
  deadAfterMs = 1_000;
  refuseCalls: status | undefined;
  /** So many enrolments are answered with "too many calls". */
  busyTimes = 0;
  credit = { total: 4n * 1024n * 1024n, perTry: 1024n * 1024n };
  readonly #servers: Server[] = [];

  constructor(authority: TestAuthority) {
    this.authority = authority;
  }

  static async start(authority?: TestAuthority): Promise<FakeController> {
    const controller = new FakeController(authority ?? (await makeTestAuthority()));
    await controller.listen();
    return controller;
  }

  get token(): string {
    return `oc1.t1.${this.tokenSecret.toString("base64url")}.${this.authority.pin}`;
  }

  async listen(agentPort = 0): Promise<void> {
    const { chainPem, keyPem } = await this.authority.server();
    const pair = [{ cert_chain: Buffer.from(chainPem), private_key: Buffer.from(keyPem) }];
    // With channelz, which keeps the list of sessions that forceShutdown ends (grpc-js 1.14.7).
    const agents = new Server();
    agents.addService(AgentServiceService, {
      connect: (call: Call) => this.#connect(call),
      pushOutput: (call: OutputCall) => this.#pushOutput(call),
      renewCertificate: async (
        { request }: { request: { csrDer: Buffer } },
        reply: (e: unknown, v?: unknown) => void,
      ) => {
        this.renewals += 1;
        if (this.refuseCalls) return reply({ code: this.refuseCalls });
        reply(null, { certificate: await this.#issue(request.csrDer) });
      },
    } as never);
    const api = new Server();
    api.addService(EnrollmentServiceService, {
      enroll: async ({ request }: { request: EnrollRequest }, reply: (e: unknown, v?: unknown) => void) => {
        this.enrolments.push(request);
        if (this.busyTimes > 0) {
          this.busyTimes -= 1;
          return reply({ code: status.RESOURCE_EXHAUSTED });
        }
        if (!request.tokenSecret.equals(this.tokenSecret))
          return reply({ code: status.UNAUTHENTICATED, details: "The join token is not known here" });
        reply(null, {
          agentId: this.agentId,
          agentName: request.name,
          clusterId: this.authority.clusterId,
          certificate: await this.#issue(request.csrDer),
          agentAddress: `127.0.0.1:${this.agentPort}`,
          apiAddress: `127.0.0.1:${this.apiPort}`,
        });
      },
      challenge: (_: unknown, reply: (e: unknown, v?: unknown) => void) => reply(null, { nonce: randomBytes(32) }),
      reauthenticate: async (
        { request }: { request: ReauthenticateRequest },
        reply: (e: unknown, v?: unknown) => void,
      ) => {
        this.proofs.push(request);
        reply(null, { certificate: await this.#issue(request.csrDer) });
      },
    } as never);
    const root = Buffer.from(this.authority.rootPem);
    this.agentPort = await bind(agents, agentPort, ServerCredentials.createSsl(root, pair, true));
    this.apiPort = await bind(api, this.apiPort, ServerCredentials.createSsl(null, pair, false));
    this.#servers.push(agents, api);
  }

  /** As a power cut: everything is gone at once, the port stays known. */
  kill(): void {
    for (const server of this.#servers.splice(0)) server.forceShutdown();
    this.call = undefined;
    this.outputCalls = [];
  }

  send(body: ControllerMessage["body"]): void {
    this.call?.write({ body });
  }

  async #issue(csrDer: Buffer) {
    const { chainPem, serial, notAfterMs } = await this.authority.client(csrDer, this.agentId, this.lifeMs);
    return {
      chainPem: Buffer.from(chainPem),
      caBundlePem: Buffer.from(this.authority.rootPem),
      serial,
      notAfterMs: BigInt(notAfterMs),
    };
  }

  #connect(call: Call): void {
    call.on("error", () => {});
    if (this.refuseCalls) return void call.emit("error", { code: this.refuseCalls, details: "refused" });
    call.on("data", (message: AgentMessage) => this.#receive(call, message));
    call.on("end", () => call.end());
  }

  #receive(call: Call, message: AgentMessage): void {
    const { body } = message;
    if (body?.$case === "hello") this.#welcome(call, body.value);
    else if (body?.$case === "heartbeat") this.heartbeats.push(message);
    else if (body?.$case === "facts") this.facts.push(body.value.factsJson);
    else if (body?.$case === "events") for (const event of body.value.events) this.#store(call, event);
  }

  #welcome(call: Call, hello: Hello): void {
    this.hellos.push(hello);
    this.serials.push(call.getAuthContext()!.sslPeerCertificate!.serialNumber.toLowerCase());
    const other = this.answerHello(hello);
    if (other) {
      call.write({ body: other });
      if (other.$case === "goodbye") call.end();
      return;
    }
    this.call = call;
    this.epoch += 1n;
    const value = {
      sessionEpoch: this.epoch,
      controllerId: randomUUID(),
      clusterId: this.authority.clusterId,
      agentId: this.agentId,
      agentName: "renamed",
      nowMs: 1_000_000n,
      heartbeatMs: 100,
      deadAfterMs: this.deadAfterMs,
      caBundlePem: Buffer.from(this.authority.rootPem),
      mark: { systemId: "7", generation: 1, position: 100n + this.epoch, life: "", seal: Buffer.alloc(0) },
      outputCreditBytes: this.credit.total,
      outputCreditPerTryBytes: this.credit.perTry,
      renewCertificate: this.renewCertificate,
    };
    call.write({ body: { $case: "welcome", value } });
    for (const { fence } of hello.attempts) this.acknowledge(fence);
    const beat = setInterval(
      () =>
        call.write({
          body: {
            $case: "heartbeat",
            value: { sequence: 1n, nowMs: 1_000_000n, mark: undefined, checkpoint: this.checkpoint },
          },
        }),
      200,
    );
    call.once("close", () => clearInterval(beat));
    call.once("cancelled", () => clearInterval(beat));
  }

  #store(call: Call, event: AttemptEvent): void {
    this.arrived.push(event);
    const stored = this.events.get(event.fence) ?? [];
    this.events.set(event.fence, stored);
    const expected = BigInt(stored.length) + 1n;
    if (event.seq > expected)
      call.write({ body: { $case: "eventRewind", value: { fence: event.fence, fromSeq: expected } } });
    else if (event.seq === expected) stored.push(event);
    if (this.acknowledging) this.acknowledge(event.fence);
  }

  acknowledge(fence: bigint): void {
    this.send({ $case: "eventAck", value: { fence, seq: BigInt(this.events.get(fence)?.length ?? 0) } });
  }

  #pushOutput(call: OutputCall): void {
    this.outputCalls.push(call);
    call.on("error", () => {});
    call.on("end", () => call.end());
    call.on("data", ({ body }: OutputMessage) => {
      if (body?.$case === "hello" && body.value.sessionEpoch !== this.epoch)
        call.emit("error", { code: status.FAILED_PRECONDITION, details: "stale" });
      if (body?.$case !== "chunk") return;
      const { fence, stepId, try: tryNumber, offset, data } = body.value;
      const key = `${fence}/${stepId}/${tryNumber}`;
      const stored = this.output.get(key) ?? Buffer.alloc(0);
      this.chunks.push(key);
      const at = { fence, stepId, try: tryNumber };
      if (offset > stored.length)
        return void call.write({ body: { $case: "rewind", value: { ...at, offset: BigInt(stored.length) } } });
      this.output.set(key, Buffer.concat([stored, data.subarray(stored.length - Number(offset))]));
      if (this.acknowledging) this.acknowledgeOutput(call, key);
    });
  }

  acknowledgeOutput(call: OutputCall, key: string): void {
    const [fence, stepId, tryNumber] = key.split("/");
    const storedBytes = BigInt(this.output.get(key)?.length ?? 0);
    const value = { fence: BigInt(fence!), stepId: stepId!, try: Number(tryNumber), storedBytes };
    call.write({ body: { $case: "ack", value } });
  }
}

function bind(server: Server, port: number, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
}
