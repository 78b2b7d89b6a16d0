import { X509Certificate } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemActor } from "../context.ts";
import { type TestContext, testActor, testContext } from "../testing/test-context.ts";
import { signedIn, testHttp } from "../testing/test-http.ts";
import { createEnrollmentToken } from "./create-enrollment-token.ts";
import { type EnrollParams, enrollAgent } from "./enroll-agent.ts";
import { getAgent } from "./get-agent.ts";
import { listAgents } from "./list-agents.ts";
import { listEnrollmentTokens } from "./list-enrollment-tokens.ts";
import { revokeEnrollmentToken } from "./revoke-enrollment-token.ts";
import { enrolmentOf, makeTestHost } from "./testing/test-host.ts";

let t: TestContext;
beforeAll(async () => {
  t = await testContext();
});
afterAll(() => t.close());

const actor = testActor();
const address = "192.0.2.7";
const enroll = (params: EnrollParams, from = address) => enrollAgent(t.ctx, from, params);
const newToken = (input: Partial<Parameters<typeof createEnrollmentToken>[2]> = {}, maker = systemActor) =>
  createEnrollmentToken(t.ctx, maker, { expiresIn: "30m", labels: {}, ...input });

test("a token makes an agent, its own target with the token's labels, and audit rows", async () => {
  const host = await makeTestHost("web-01");
  const { token } = await newToken({ labels: { env: "prod" } });
  const enrolled = await enroll(enrolmentOf(host, token));
  const leaf = new X509Certificate(enrolled.certificate.chainPem);
  expect(leaf.subjectAltName).toBe(`URI:spiffe://${t.ctx.clusterId}/agent/${enrolled.agentId}`);
  const agent = await getAgent(t.ctx, actor, { idOrName: "WEB-01" });
  expect(agent).toMatchObject({ name: "web-01", state: "never_connected", labels: { env: "prod" }, targetCount: 1 });
  expect(agent.certificate!.serial).toBe(enrolled.certificate.serial);
  const [target] = await t.ctx.sql`select t.*, a.own_target_id from assets.targets t
    join fleet.agents a on a.id = t.managed_by_agent_id where a.id = ${enrolled.agentId}`;
  expect(target).toMatchObject({ name: "web-01", hostname: "web-01", address, os: "linux", labels: { env: "prod" } });
  expect(target!.ownTargetId).toBe(target!.id);
  const audit = await t.ctx.sql`select action from communication.audit where address = ${address} order by id`;
  expect(audit.map((r) => r.action)).toEqual(["agent.enrolled", "target.created"]);
});

test("of many hosts that use one token at once exactly one gets in, and the others are recorded", async () => {
  const { token, id } = await newToken();
  const hosts = await Promise.all(Array.from({ length: 20 }, () => makeTestHost()));
  const results = await Promise.allSettled(hosts.map((h) => enroll(enrolmentOf(h, token))));
  expect(results.filter((r) => r.status === "fulfilled")).toHaveLength(1);
  for (const r of results) if (r.status === "rejected") expect(r.reason.code).toBe("permission_denied");
  const { items } = await listEnrollmentTokens(t.ctx, actor, { limit: 1000 });
  const row = items.find((i) => i.id === id)!;
  expect(row).toMatchObject({ state: "used" });
  expect(row.refusedAt).not.toBeNull();
  const [refused] = await t.ctx.sql`select count(*)::int as n from communication.audit
    where action = 'enrollment_token.reused' and object_id = ${id} and outcome = 'refused'`;
  expect(refused!.n).toBe(19);
});

test("the same key asking again gets the same agent, and both of its certificates are known", async () => {
  const host = await makeTestHost();
  const { token } = await newToken();
  const first = await enroll(enrolmentOf(host, token));
  const second = await enroll(enrolmentOf(host, token));
  expect(second.agentId).toBe(first.agentId);
  const [row] = await t.ctx.sql`select current_serial, pending_serial from fleet.agents where id = ${first.agentId}`;
  expect(row).toEqual({ currentSerial: first.certificate.serial, pendingSerial: second.certificate.serial });
});

test("a name that is taken gets a number, and a token's pattern binds the result", async () => {
  const pattern = { namePattern: "APP-?" };
  const enrolNamed = async (name: string, input = {}) =>
    enroll(enrolmentOf(await makeTestHost(name), (await newToken(input)).token));
  expect((await enrolNamed("app-1", pattern)).agentName).toBe("app-1");
  expect((await enrolNamed("APP-1")).agentName).toBe("APP-1-2");
  await expect(enrolNamed("app-1", pattern)).rejects.toThrow(/for hosts named APP-\?/);
  await expect(enrolNamed("db-1", pattern)).rejects.toThrow(/pass a fitting --name/);
  await expect(enrolNamed("no spaces")).rejects.toMatchObject({ code: "invalid_argument" });
});

test("a refused name leaves the token usable", async () => {
  const { token } = await newToken({ namePattern: "x-*" });
  const host = await makeTestHost("y-1");
  await expect(enroll(enrolmentOf(host, token))).rejects.toMatchObject({ code: "permission_denied" });
  expect((await enroll(enrolmentOf(host, token, { name: "x-1" }))).agentName).toBe("x-1");
});

test("a target that waits for its agent is taken over with what people wrote about it", async () => {
  const id = t.ctx.newId();
  await t.ctx
    .sql`insert into assets.targets (id, name, description, labels) values (${id}, 'Planned-1', 'rack 4', '{"a":"1"}')`;
  const { token } = await newToken({ labels: { b: "2" } });
  const enrolled = await enroll(enrolmentOf(await makeTestHost("planned-1"), token));
  const [target] = await t.ctx.sql`select id, description, labels, managed_by_agent_id from assets.targets
    where lower(name) = 'planned-1'`;
  expect(target).toEqual({ id, description: "rack 4", labels: { a: "1", b: "2" }, managedByAgentId: enrolled.agentId });
});

test("an expired, revoked or foreign-network token is refused and says why", async () => {
  const host = await makeTestHost();
  const expired = await newToken({ expiresIn: "1s" });
  await t.ctx.sql`update fleet.enrollment_tokens set expires_at = now() - interval '1 s' where id = ${expired.id}`;
  await expect(enroll(enrolmentOf(host, expired.token))).rejects.toThrow(/expired/);
  const revoked = await newToken();
  await revokeEnrollmentToken(t.ctx, actor, { id: revoked.id });
  await expect(enroll(enrolmentOf(host, revoked.token))).rejects.toThrow(/revoked/);
  const bound = await newToken({ cidr: "10.0.0.0/8" });
  await expect(enroll(enrolmentOf(host, bound.token))).rejects.toThrow(/does not allow the address 192.0.2.7/);
  expect((await enroll(enrolmentOf(host, bound.token), "10.1.2.3")).agentName).toBe(host.name);
});

test("a token of somebody who may not enrol agents any more gets nobody in, until they may again", async () => {
  const maker = await signedIn(t.ctx, testHttp(t.ctx), ["agents:enroll"]);
  const { token } = await newToken({}, { ...actor, id: maker.userId, name: maker.username });
  const host = await makeTestHost();
  const set = (active: boolean) => t.ctx.sql`update identity.users set active = ${active} where id = ${maker.userId}`;
  await set(false);
  await expect(enroll(enrolmentOf(host, token))).rejects.toThrow(/may not enrol agents any more/);
  await set(true);
  await t.ctx.sql`update identity.roles set permissions = '{agents:read}' where id in (
    select role_id from identity.user_roles where user_id = ${maker.userId})`;
  await expect(enroll(enrolmentOf(host, token))).rejects.toMatchObject({ code: "permission_denied" });
  await t.ctx.sql`update identity.roles set permissions = '{agents:enroll}' where id in (
    select role_id from identity.user_roles where user_id = ${maker.userId})`;
  expect((await enroll(enrolmentOf(host, token))).agentName).toBe(host.name);
});

test("a forged secret, an unknown id and a signature by another key are refused alike", async () => {
  const host = await makeTestHost();
  const { token } = await newToken();
  const good = enrolmentOf(host, token);
  const other = await makeTestHost();
  await expect(enroll({ ...good, tokenSecret: Buffer.alloc(32) })).rejects.toMatchObject({ code: "unauthenticated" });
  const strange = token.replace(/^oc1\.\w+/, "oc1.0000");
  await expect(enroll(enrolmentOf(host, strange))).rejects.toMatchObject({ code: "unauthenticated" });
  await expect(enroll({ ...good, signature: enrolmentOf(other, token).signature })).rejects.toThrow(/not signed/);
  await expect(enroll({ ...good, sealingKey: other.sealingKey })).rejects.toThrow(/not signed/);
  expect((await enroll(good)).agentName).toBe(host.name);
});

test("times and networks of a new token are checked in words", async () => {
  await expect(newToken({ expiresIn: "25h" })).rejects.toThrow(/between 1s and 24h/);
  await expect(newToken({ cidr: "10.0.0.1/8" })).rejects.toThrow(/without bits set/);
  expect((await newToken({ cidr: "10.0.0.1" })).cidr).toBe("10.0.0.1/32");
});

test("agents are listed by name, page after page", async () => {
  const names: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await listAgents(t.ctx, actor, { limit: 4, cursor });
    names.push(...page.items.map((a) => a.name.toLowerCase()));
    cursor = page.nextCursor;
  } while (cursor);
  expect(names).toEqual([...names].sort());
  expect(new Set(names).size).toBe(names.length);
  expect(names.length).toBeGreaterThan(5);
  expect((await listAgents(t.ctx, actor, { limit: 9, q: "LANN" })).items.map((a) => a.name)).toEqual(["planned-1"]);
  expect((await listAgents(t.ctx, actor, { limit: 9, state: "online" })).items).toEqual([]);
});
