import { createPublicKey, verify } from "node:crypto";
import { statSync } from "node:fs";
import { enrolmentBytes } from "@opsconductor/contract/enrolment-bytes";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeCertificateRequest } from "./certificate-request.ts";
import { enroll } from "./enroll.ts";
import type { StateFolder } from "./state-folder.ts";
import { FakeController } from "./testing/fake-controller.ts";
import { enrolledState } from "./testing/linked-agent.ts";
import { makeTestAuthority } from "./testing/test-authority.ts";

let controller: FakeController;
beforeAll(async () => {
  controller = await FakeController.start();
});
afterAll(() => controller.kill());

test("a token makes an identity, on disk for its owner's eyes only", async () => {
  const { state, identity } = await enrolledState(controller);
  expect(identity).toMatchObject({ agentId: controller.agentId, agentName: "web-1", reachedBy: "127.0.0.1" });
  expect(state.identity()).toEqual(identity);
  expect(state.certificate("current")!.chainPem).toContain("BEGIN CERTIFICATE");
  expect(state.authorities()).toBe(controller.authority.rootPem);
  expect(statSync(state.path).mode & 0o777).toBe(0o700);
  for (const file of ["keys.json", "identity.json", "certificate-current.json", "ca.pem"])
    expect(statSync(state.file(file)).mode & 0o777).toBe(0o600);
});

test("the request is signed by the identity key over token, CSR and sealing key", async () => {
  await enrolledState(controller);
  const { tokenId, csrDer, sealingKey, identityKey, signature } = controller.enrolments.at(-1)!;
  const key = createPublicKey({
    key: { kty: "OKP", crv: "Ed25519", x: identityKey.toString("base64url") },
    format: "jwk",
  });
  expect(verify(null, enrolmentBytes(tokenId, csrDer, sealingKey), key, signature)).toBe(true);
});

test("asking again after a failure asks with the same keys", async () => {
  const { state } = await enrolledState(controller);
  const first = controller.enrolments.at(-1)!;
  await enroll(optionsFor(state));
  const second = controller.enrolments.at(-1)!;
  expect(second.identityKey.equals(first.identityKey)).toBe(true);
  expect(second.csrDer.equals(first.csrDer)).toBe(false);
});

test("a server that the token's pin does not name gets nothing", async () => {
  const other = await makeTestAuthority();
  const { state } = await enrolledState(controller);
  const before = controller.enrolments.length;
  const token = `oc1.t1.${controller.tokenSecret.toString("base64url")}.${other.pin}`;
  await expect(enroll({ ...optionsFor(state), token })).rejects.toThrow(/does not belong to the cluster/);
  expect(controller.enrolments.length).toBe(before);
});

test("a server that shows the pinned root but has no controller's certificate from it gets nothing", async () => {
  const impostor = new FakeController({
    ...(await makeTestAuthority()),
    pin: controller.authority.pin,
  });
  const own = await impostor.authority.server();
  // Anyone can append the real root to a chain that it did not sign.
  impostor.authority.server = async () => ({ ...own, chainPem: own.chainPem + controller.authority.rootPem });
  await impostor.listen();
  const { state } = await enrolledState(controller);
  const options = { ...optionsFor(state), server: `127.0.0.1:${impostor.apiPort}` };
  await expect(enroll(options)).rejects.toThrow();
  expect(impostor.enrolments).toEqual([]);
  impostor.kill();
});

test("a certificate of the right authority that is no controller's is refused", async () => {
  const agentLike = new FakeController(controller.authority);
  const { server } = controller.authority;
  agentLike.authority.server = () => server(`spiffe://${controller.authority.clusterId}/agent/${controller.agentId}`);
  await agentLike.listen();
  controller.authority.server = server;
  const { state } = await enrolledState(controller);
  const options = { ...optionsFor(state), server: `127.0.0.1:${agentLike.apiPort}` };
  await expect(enroll(options)).rejects.toThrow(/is not a controller's/);
  agentLike.kill();
});

test("what is refused by the controller is told in its words", async () => {
  const { state } = await enrolledState(controller);
  const token = `oc1.t1.${Buffer.alloc(32).toString("base64url")}.${controller.authority.pin}`;
  await expect(enroll({ ...optionsFor(state), token })).rejects.toThrow(/join token is not known/);
  await expect(enroll({ ...optionsFor(state), token: "oc1.abc" })).rejects.toThrow(/not a join token/);
  await expect(enroll({ ...optionsFor(state), server: "a b" })).rejects.toThrow(/is not host:port/);
});

test("a controller that is busy for a moment is asked again", async () => {
  const { state } = await enrolledState(controller);
  controller.busyTimes = 2;
  expect((await enroll(optionsFor(state))).agentId).toBe(controller.agentId);
  expect(controller.busyTimes).toBe(0);
});

function optionsFor(state: StateFolder) {
  return {
    state,
    token: controller.token,
    server: `127.0.0.1:${controller.apiPort}`,
    name: "web-1",
    version: "0.1.0",
    makeRequest: makeCertificateRequest,
  };
}
