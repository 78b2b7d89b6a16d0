// Whom the listeners believe to be an agent: revoked, renewed, copied and rolled back ones.
import { status } from "@grpc/grpc-js";
import { until } from "@opsconductor/contract/testing/until";
import type { RenewCertificateResponse } from "@opsconductor/proto/opsconductor/agent/v1/agent";
import { afterAll, beforeAll, expect, test } from "vitest";
import { getAgent } from "../fleet/get-agent.ts";
import { releaseAgent, revokeAgent } from "../fleet/revoke-agent.ts";
import { makeCertificateRequest } from "../fleet/testing/certificate-request.ts";
import { testActor } from "../testing/test-context.ts";
import {
  agentClient,
  connectFakeAgent,
  enrollFakeAgent,
  FakeStream,
  helloOf,
  type Identity,
} from "./testing/fake-agent.ts";
import { startTestController, type TestController } from "./testing/test-controller.ts";

let c: TestController;
beforeAll(async () => {
  c = await startTestController();
});
afterAll(() => c.close());

const actor = testActor();
const stateOf = async (id: Identity) => (await getAgent(c.ctx, actor, { idOrName: id.response.agentId })).state;

test("a revoked agent is cut off at once, and every way back is closed", async () => {
  const id = await enrollFakeAgent(c);
  const stream = await connectFakeAgent(c, id);
  await revokeAgent(c.ctx, actor, { id: id.response.agentId, reason: "stolen laptop" });
  expect((await stream.next("goodbye")).code).toBe("revoked");
  await until("ended", () => stream.ended);
  stream.close();
  const again = new FakeStream(agentClient(c, id));
  again.send({ $case: "hello", value: helloOf() });
  expect((await again.next("goodbye")).code).toBe("revoked");
  again.close();
  await expect(renew(id)).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
  await expect(enrollFakeAgent(c, undefined, id.host)).rejects.toThrow(/was revoked/);
  expect(await stateOf(id)).toBe("revoked");
});

async function renew(id: Identity): Promise<Identity> {
  const { csr, keyPem } = await makeCertificateRequest();
  const client = agentClient(c, id);
  try {
    const response = await new Promise<RenewCertificateResponse>((resolve, reject) =>
      client.renewCertificate({ csrDer: csr }, (e, r) => (e ? reject(e) : resolve(r))),
    );
    return { ...id, keyPem, chainPem: response.certificate!.chainPem };
  } finally {
    client.close();
  }
}

test("a renewed certificate takes over at its first use; until then the old one is good", async () => {
  const id = await enrollFakeAgent(c);
  const lost = await renew(id);
  const stream = await connectFakeAgent(c, id); // the reply was lost: the old certificate still works
  stream.close();
  const renewed = await renew(id);
  await refusedWith(lost, status.UNAUTHENTICATED);
  const open = await connectFakeAgent(c, id);
  const next = await connectFakeAgent(c, renewed);
  expect((await open.next("goodbye")).code).toBe("superseded");
  next.close();
  await refusedWith(id, status.UNAUTHENTICATED);
  expect(await stateOf(id)).not.toBe("quarantined"); // too soon after to be a theft
});

test("a replaced certificate on a later connection means a copied key: the agent is quarantined until released", async () => {
  const id = await enrollFakeAgent(c);
  const renewed = await renew(id);
  const stream = await connectFakeAgent(c, renewed);
  await c.ctx.sql`update fleet.agents set serial_activated_at = now() - interval '1 minute'
    where id = ${id.response.agentId}`;
  await refusedWith(id, status.UNAUTHENTICATED);
  const link = c.links.get(id.response.agentId)!;
  await until("no work for it", () => !link.takesWork);
  const agent = await getAgent(c.ctx, actor, { idOrName: id.response.agentId });
  expect(agent.state).toBe("quarantined");
  expect(agent.stateReason).toMatch(/copy of the agent's key/);
  await releaseAgent(c.ctx, actor, { id: id.response.agentId });
  await until("work again", () => link.takesWork);
  stream.close();
});

async function refusedWith(id: Identity, code: status): Promise<void> {
  const stream = new FakeStream(agentClient(c, id));
  stream.send({ $case: "hello", value: helloOf() });
  await until("refused", () => stream.error);
  expect(stream.error!.code).toBe(code);
  stream.close();
}

test("an older process that comes back after a newer one is a clone; a crash loop is not", async () => {
  const id = await enrollFakeAgent(c);
  for (const incarnation of ["a", "b", "c", "c", "d"]) (await connectFakeAgent(c, id, { incarnation })).close();
  expect(["online", "offline"]).toContain(await stateOf(id));
  const back = await connectFakeAgent(c, id, { incarnation: "b" });
  expect(c.links.get(id.response.agentId)!.takesWork).toBe(false);
  const seen = await getAgent(c.ctx, actor, { idOrName: id.response.agentId });
  expect(seen).toMatchObject({ state: "quarantined", quarantine: { kind: "clone" } });
  // Which is which: the one that was connected, and the one that came back.
  expect(seen.quarantine!.copies.map((copy) => [copy.role, copy.address])).toEqual([
    ["known", "127.0.0.1"],
    ["newcomer", "127.0.0.1"],
  ]);
  await releaseAgent(c.ctx, actor, { id: id.response.agentId });
  expect(await back.next("goodbye")).toMatchObject({ code: "retry_later" });
  const only = await connectFakeAgent(c, id, { incarnation: "b" });
  expect(await getAgent(c.ctx, actor, { idOrName: id.response.agentId })).toMatchObject({
    ...{ state: "online", quarantine: null, stateReason: null },
  });
  const other = await connectFakeAgent(c, id, { incarnation: "e" }); // the other copy runs on
  (await connectFakeAgent(c, id, { incarnation: "b" })).close();
  expect(await stateOf(id)).toBe("quarantined");
  for (const stream of [back, only, other]) stream.close();
});

test("a journal that is older than before means that the host was rolled back", async () => {
  const id = await enrollFakeAgent(c);
  (await connectFakeAgent(c, id, { journalPosition: 10n })).close();
  (await connectFakeAgent(c, id, { journalPosition: 10n })).close();
  (await connectFakeAgent(c, id, { journalId: "j-new", journalPosition: 1n })).close();
  expect(await stateOf(id)).not.toBe("quarantined");
  (await connectFakeAgent(c, id, { journalId: "j-new", journalPosition: 0n })).close();
  expect(await stateOf(id)).toBe("quarantined");
});
