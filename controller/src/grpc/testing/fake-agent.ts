// An agent that speaks the real wire and does no work, for tests of the controller's side.

import type { ClientDuplexStream, ServiceError } from "@grpc/grpc-js";
import { credentials } from "@grpc/grpc-js";
import { until } from "@opsconductor/contract/testing/until";
import {
  type AgentMessage,
  AgentServiceClient,
  type ControllerMessage,
  EnrollmentServiceClient,
  type EnrollResponse,
  type Hello,
  type OutputMessage,
  type OutputReply,
} from "@opsconductor/proto/opsconductor/agent/v1/agent";
import type { AgentWork } from "../../fleet/agent-link.ts";
import { enrolmentOf, makeTestHost, type TestHost } from "../../fleet/testing/test-host.ts";
import type { TestController } from "./test-controller.ts";

type AnyController = TestController<AgentWork>;

export interface Identity {
  host: TestHost;
  response: EnrollResponse;
  keyPem: string;
  chainPem: Buffer;
}

const noHostNames = { checkServerIdentity: () => undefined };

export function enrollmentClient(c: AnyController): EnrollmentServiceClient {
  const tls = credentials.createSsl(Buffer.from(c.ctx.authority.bundlePem), null, null, noHostNames);
  return new EnrollmentServiceClient(`127.0.0.1:${c.listeners.apiPort}`, tls, { "grpc.use_local_subchannel_pool": 1 });
}

export async function enrollFakeAgent(c: AnyController, token?: string, host?: TestHost): Promise<Identity> {
  const h = host ?? (await makeTestHost());
  const client = enrollmentClient(c);
  const p = enrolmentOf(h, token ?? (await c.newToken()));
  try {
    const response = await new Promise<EnrollResponse>((resolve, reject) =>
      client.enroll(
        {
          ...p,
          tokenSecret: Buffer.from(p.tokenSecret),
          csrDer: h.csr,
          identityKey: h.identityKey,
          sealingKey: h.sealingKey,
          signature: Buffer.from(p.signature),
        },
        (error, value) => (error ? reject(error) : resolve(value)),
      ),
    );
    return { host: h, response, keyPem: h.keyPem, chainPem: response.certificate!.chainPem };
  } finally {
    client.close();
  }
}

export function agentClient(c: AnyController, identity: Pick<Identity, "keyPem" | "chainPem">): AgentServiceClient {
  const tls = credentials.createSsl(
    Buffer.from(c.ctx.authority.bundlePem),
    Buffer.from(identity.keyPem),
    identity.chainPem,
    noHostNames,
  );
  return new AgentServiceClient(`127.0.0.1:${c.listeners.agentPort}`, tls, { "grpc.use_local_subchannel_pool": 1 });
}

type Body = NonNullable<ControllerMessage["body"]>;
type Values = { [K in Body["$case"]]: Extract<Body, { $case: K }>["value"] };

/** One Connect stream, with everything that it received. */
export class FakeStream {
  readonly received: ControllerMessage[] = [];
  readonly client: AgentServiceClient;
  readonly call: ClientDuplexStream<AgentMessage, ControllerMessage>;
  error: ServiceError | undefined;
  ended = false;

  constructor(client: AgentServiceClient) {
    this.client = client;
    this.call = client.connect();
    this.call.on("data", (m: ControllerMessage) => this.received.push(m));
    this.call.on("error", (e: ServiceError) => (this.error = e));
    this.call.on("end", () => (this.ended = true));
    this.call.on("close", () => (this.ended = true));
  }

  send(body: NonNullable<AgentMessage["body"]>): void {
    this.call.write({ body });
  }

  all<C extends keyof Values>(kind: C): Values[C][] {
    return this.received.flatMap(({ body }) => (body?.$case === kind ? [body.value as Values[C]] : []));
  }

  async next<C extends keyof Values>(kind: C, skip = 0): Promise<Values[C]> {
    const find = () => this.all(kind)[skip];
    await until(`${kind} from the controller`, () => find() !== undefined || this.error !== undefined);
    const found = find();
    if (found === undefined) throw this.error;
    return found;
  }

  output(): { call: ClientDuplexStream<OutputMessage, OutputReply>; replies: OutputReply[]; error(): unknown } {
    const replies: OutputReply[] = [];
    let failure: unknown;
    const call = this.client.pushOutput();
    call.on("data", (r: OutputReply) => replies.push(r));
    call.on("error", (e) => (failure = e));
    return { call, replies, error: () => failure };
  }

  close(): void {
    this.call.cancel();
    this.client.close();
  }
}

export function helloOf(changes: Partial<Hello> = {}): Hello {
  return {
    protocolVersion: 1,
    formatVersion: 1,
    agentVersion: "0.1.0",
    incarnation: "i-1",
    bootId: "boot-1",
    actions: ["shell"],
    platform: { os: "linux", arch: "x64", hostname: "h", osName: "Debian" },
    journalId: "j-1",
    journalPosition: 1n,
    attempts: [],
    certificateSerial: "",
    highestMark: undefined,
    checkpoints: [],
    features: ["check"],
    ...changes,
  };
}

/** Connects and says hello; resolves once the controller has welcomed it. */
export async function connectFakeAgent(
  c: AnyController,
  id: Identity,
  hello: Partial<Hello> = {},
): Promise<FakeStream> {
  const stream = new FakeStream(agentClient(c, id));
  stream.send({ $case: "hello", value: helloOf(hello) });
  await stream.next("welcome");
  return stream;
}
