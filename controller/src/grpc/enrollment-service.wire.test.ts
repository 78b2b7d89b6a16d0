import { status } from "@grpc/grpc-js";
import type { ChallengeResponse, ReauthenticateResponse } from "@opsconductor/proto/opsconductor/agent/v1/agent";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeCertificateRequest } from "../fleet/testing/certificate-request.ts";
import { proofOf } from "../fleet/testing/test-host.ts";
import { connectFakeAgent, enrollFakeAgent, enrollmentClient, type Identity } from "./testing/fake-agent.ts";
import { startTestController, type TestController } from "./testing/test-controller.ts";

let c: TestController;
beforeAll(async () => {
  c = await startTestController();
});
afterAll(() => c.close());

test("twenty hosts race for one token over the wire: exactly one is enrolled", async () => {
  const token = await c.newToken();
  const results = await Promise.allSettled(Array.from({ length: 20 }, () => enrollFakeAgent(c, token)));
  expect(results.filter((r) => r.status === "fulfilled")).toHaveLength(1);
  for (const r of results) if (r.status === "rejected") expect(r.reason.code).toBe(status.PERMISSION_DENIED);
});

test("the answer tells where to dial", async () => {
  const { response } = await enrollFakeAgent(c);
  expect(response.agentAddress).toBe(`127.0.0.1:${c.listeners.agentPort}`);
  expect(response.apiAddress).toBe(`127.0.0.1:${c.listeners.apiPort}`);
});

test("a message of more than 16 KiB is refused", async () => {
  const client = enrollmentClient(c);
  const error = await new Promise<{ code: number } | null>((resolve) =>
    client.challenge({ agentId: "x".repeat(17_000) }, (e) => resolve(e)),
  );
  client.close();
  expect(error?.code).toBe(status.RESOURCE_EXHAUSTED);
});

async function challenge(agentId: string): Promise<Buffer> {
  const client = enrollmentClient(c);
  const answer = await new Promise<ChallengeResponse>((resolve, reject) =>
    client.challenge({ agentId }, (e, r) => (e ? reject(e) : resolve(r))),
  );
  client.close();
  return answer.nonce;
}

async function reauthenticate(id: Identity, changes: { nonce?: Buffer; agentId?: string; signature?: Buffer } = {}) {
  const { csr, keyPem } = await makeCertificateRequest();
  const agentId = changes.agentId ?? id.response.agentId;
  const nonce = changes.nonce ?? (await challenge(agentId));
  const signature = changes.signature ?? proofOf(id.host, agentId, nonce, csr);
  const client = enrollmentClient(c);
  const answer = await new Promise<ReauthenticateResponse>((resolve, reject) =>
    client.reauthenticate({ agentId, nonce, csrDer: csr, signature }, (e, r) => (e ? reject(e) : resolve(r))),
  );
  client.close();
  return { ...id, keyPem, chainPem: answer.certificate!.chainPem, nonce };
}

test("an agent that was away proves itself by its identity key and connects, and is asked to renew", async () => {
  const id = await enrollFakeAgent(c);
  const back = await reauthenticate(id);
  const stream = await connectFakeAgent(c, back);
  expect((await stream.next("welcome")).renewCertificate).toBe(true);
  stream.close();
});

test("a nonce serves once, for its agent, with the right key", async () => {
  const [id, other] = [await enrollFakeAgent(c), await enrollFakeAgent(c)];
  const { nonce } = await reauthenticate(id);
  const refused = { code: status.UNAUTHENTICATED };
  await expect(reauthenticate(id, { nonce })).rejects.toMatchObject(refused);
  const nonceOfOther = await challenge(other.response.agentId);
  await expect(reauthenticate(id, { nonce: nonceOfOther })).rejects.toMatchObject(refused);
  await expect(reauthenticate(id, { signature: Buffer.alloc(64) })).rejects.toMatchObject(refused);
  await expect(reauthenticate({ ...id, host: other.host })).rejects.toMatchObject(refused);
});

test("an unknown agent gets a challenge and then the same refusal as a wrong key", async () => {
  const id = await enrollFakeAgent(c);
  const unknown = c.ctx.newId();
  await expect(reauthenticate(id, { agentId: unknown })).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
  await expect(reauthenticate(id, { agentId: "x" })).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
});

test("after three returns without a renewal in between a person must help", async () => {
  const id = await enrollFakeAgent(c);
  for (let i = 0; i < 3; i++) await reauthenticate(id);
  await expect(reauthenticate(id)).rejects.toMatchObject({ code: status.PERMISSION_DENIED });
});

test("after 30 days away a person must help", async () => {
  const id = await enrollFakeAgent(c);
  await c.ctx.sql`update fleet.agents set certificate_not_after = now() - interval '31 days'
    where id = ${id.response.agentId}`;
  await expect(reauthenticate(id)).rejects.toThrow(/more than 30 days/);
});
