// What must not get through the door of 3443, tried with raw TLS and HTTP/2 as an attacker would.
import { connect as h2connect } from "node:http2";
import { connect, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openCertificateAuthority } from "../fleet/certificate-authority.ts";
import { makeCertificateRequest } from "../fleet/testing/certificate-request.ts";
import { connectFakeAgent, enrollFakeAgent, type Identity } from "./testing/fake-agent.ts";
import { startTestController, type TestController } from "./testing/test-controller.ts";

let c: TestController;
let identity: Identity;
beforeAll(async () => {
  c = await startTestController();
  identity = await enrollFakeAgent(c);
});
afterAll(() => c.close());

interface Attempt {
  cert?: string | Buffer;
  key?: string;
  maxVersion?: "TLSv1.2";
  session?: Buffer;
}

/** Calls Connect over one TLS connection and tells how far it got. `sessions` are the tickets that the server gave out. */
async function attempt(options: Attempt): Promise<{ status: string; sessions: Buffer[]; reused: boolean }> {
  const sessions: Buffer[] = [];
  const socket = connect({
    host: "127.0.0.1",
    port: c.listeners.agentPort,
    ca: c.ctx.authority.bundlePem,
    checkServerIdentity: () => undefined,
    ALPNProtocols: ["h2"],
    ...options,
  });
  socket.on("session", (s) => sessions.push(s));
  try {
    const status = await callOver(socket);
    return { status, sessions, reused: socket.isSessionReused() };
  } finally {
    socket.destroy();
  }
}

function callOver(socket: TLSSocket): Promise<string> {
  return new Promise((resolve) => {
    socket.once("error", (e) => resolve(`tls: ${(e as NodeJS.ErrnoException).code}`));
    socket.once("close", () => resolve("closed"));
    socket.once("secureConnect", () => {
      const session = h2connect("https://127.0.0.1", { createConnection: () => socket });
      session.on("error", (e) => resolve(`h2: ${(e as NodeJS.ErrnoException).code}`));
      const stream = session.request({
        ":method": "POST",
        ":path": "/opsconductor.agent.v1.AgentService/RenewCertificate",
        "content-type": "application/grpc",
        te: "trailers",
      });
      stream.on("error", () => {});
      const answer = (headers: Record<string, unknown>) => {
        if (headers["grpc-status"] !== undefined) resolve(`grpc ${headers["grpc-status"]}`);
      };
      stream.on("response", answer);
      stream.on("trailers", answer);
      stream.end(Buffer.from([0, 0, 0, 0, 0])); // an empty request
    });
  });
}

const good = () => ({ cert: identity.chainPem, key: identity.keyPem });

test("the agent's own certificate gets as far as the method", async () => {
  expect((await attempt(good())).status).toBe("grpc 3"); // invalid argument: the CSR is empty
});

test("no certificate is refused by TLS", async () => {
  expect((await attempt({})).status).toMatch(/ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED|closed|ECONNRESET/);
});

test("TLS 1.2 is refused", async () => {
  expect((await attempt({ ...good(), maxVersion: "TLSv1.2" })).status).toMatch(/PROTOCOL_VERSION/);
});

test("a certificate of another cluster is refused", async () => {
  const other = await startTestController();
  try {
    const stranger = await enrollFakeAgent(other);
    const { status } = await attempt({ cert: stranger.chainPem, key: stranger.keyPem });
    expect(status).toMatch(/ALERT|closed|ECONNRESET/);
  } finally {
    await other.close();
  }
});

test("a certificate of our own authority that is not for clients is refused", async () => {
  const { chainPem, keyPem } = await c.ctx.authority.issueControllerCertificate(["localhost"]);
  expect((await attempt({ cert: chainPem, key: keyPem })).status).toMatch(/ALERT|closed|ECONNRESET/);
});

test("a certificate of our authority that names an agent of another cluster is refused", async () => {
  const elsewhere = await openCertificateAuthority({ ...c.ctx, clusterId: c.ctx.newId() });
  const { csr, keyPem } = await makeCertificateRequest();
  const { chainPem } = await elsewhere.issueAgentCertificate(identity.response.agentId, csr);
  expect((await attempt({ cert: chainPem, key: keyPem })).status).toBe("grpc 16");
});

test("an expired certificate is refused", async () => {
  const { csr, keyPem } = await makeCertificateRequest();
  const { chainPem } = await c.ctx.authority.issueAgentCertificate(identity.response.agentId, csr, -1000);
  expect((await attempt({ cert: chainPem, key: keyPem })).status).toMatch(/ALERT|closed|ECONNRESET/);
});

test("a saved session of a good connection does not come back without the certificate", async () => {
  const { sessions } = await attempt(good());
  expect(sessions.length).toBeGreaterThan(0); // the server gives out something: it must be worth nothing
  for (const session of sessions) {
    const again = await attempt({ session });
    expect(again.reused).toBe(false);
    expect(again.status).toMatch(/ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED|closed|ECONNRESET/);
  }
});

test("a saved session is not resumed even with the certificate", async () => {
  const { sessions } = await attempt(good());
  for (const session of sessions) {
    const again = await attempt({ ...good(), session });
    expect(again).toMatchObject({ status: "grpc 3", reused: false });
  }
});

test("a reloaded certificate serves new connections under the same rules and leaves open streams alone", async () => {
  const stream = await connectFakeAgent(c, identity);
  const before = await served();
  await c.listeners.reissue();
  expect(await served()).not.toBe(before);
  expect((await attempt({})).status).toMatch(/ALERT|closed|ECONNRESET/);
  expect((await attempt({ ...good(), maxVersion: "TLSv1.2" })).status).toMatch(/PROTOCOL_VERSION/);
  const { sessions } = await attempt(good());
  expect((await attempt({ session: sessions[0]! })).reused).toBe(false);
  expect(stream.ended).toBe(false);
  stream.close();
});

async function served(): Promise<string> {
  const socket = connect({
    host: "127.0.0.1",
    port: c.listeners.agentPort,
    ca: c.ctx.authority.bundlePem,
    checkServerIdentity: () => undefined,
    ...good(),
  });
  try {
    await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
    return socket.getPeerCertificate().serialNumber;
  } finally {
    socket.destroy();
  }
}
