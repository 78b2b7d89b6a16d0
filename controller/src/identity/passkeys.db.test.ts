// Passkeys through the routes, with an authenticator in software that can also answer wrongly.
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Behaviour, SoftwareAuthenticator } from "../testing/software-authenticator.ts";
import { type TestContext, testContext } from "../testing/test-context.ts";
import { signedIn, type TestHttp, testHttp } from "../testing/test-http.ts";
import { createIdentity } from "./identity.ts";

let t: TestContext;
let http: TestHttp;
beforeAll(async () => {
  t = await testContext();
  http = testHttp(t.ctx);
});
afterAll(() => t.close());
beforeEach(() => {
  t.setNow(new Date("2027-03-01T12:00:00Z"));
  Object.assign(t.ctx.identity, createIdentity(t.ctx.identity.signingKey));
});

type Person = Awaited<ReturnType<typeof signedIn>>;
const post = (path: string, body?: unknown, headers?: Record<string, string>) =>
  http.call("POST", `/api/v1/auth/${path}`, body, headers);

async function register(person: Person, key = new SoftwareAuthenticator(), behaviour?: Behaviour) {
  const { body } = await post("passkeys/options", undefined, person.headers);
  const credential = key.create(body.options, behaviour);
  const answer = await post("passkeys", { ceremony: body.ceremony, name: "laptop", credential }, person.headers);
  return { key, answer };
}

async function withPasskey(permissions?: string[]) {
  const person = await signedIn(t.ctx, http, permissions);
  const { key, answer } = await register(person);
  expect([answer.status, answer.body.codes.length]).toEqual([201, 10]);
  return { ...person, key, passkeyId: answer.body.id as string };
}

async function enter(key: SoftwareAuthenticator, behaviour?: Behaviour, challenge?: string) {
  const { body } = await post("passkey/options", challenge ? { challenge } : {});
  return post("passkey", { ceremony: body.ceremony, credential: key.get(body.options, behaviour) });
}
const challengeOf = async ({ username, password }: Person) =>
  (await post("login", { username, password })).body.proof.challenge as string;
const lastRefusal = async () =>
  (
    await t.ctx
      .sql`select detail from communication.audit where action = 'user.sign_in_refused' order by id desc limit 1`
  )[0]?.detail.why;

test("a registered passkey signs in alone, without a name typed", async () => {
  const ann = await withPasskey();
  const signed = await enter(ann.key);
  expect([signed.status, signed.body.user.username, signed.body.user.factors]).toEqual([
    200,
    ann.username,
    ["passkey"],
  ]);
  expect(signed.cookie).toMatch(/^oc_refresh=/);
  const { body } = await http.call("GET", "/api/v1/auth/passkeys", undefined, ann.headers);
  expect(body.items).toMatchObject([{ name: "laptop", lastUsedAt: "2027-03-01T12:00:00.000Z" }]);
});

test("once there is a passkey the password alone opens nothing; the passkey as its second factor does", async () => {
  const ann = await withPasskey();
  const answer = await post("login", { username: ann.username, password: ann.password });
  expect(answer).toMatchObject({ status: 401, body: { proof: { methods: ["passkey", "recovery"] } } });
  const signed = await enter(ann.key, { userVerified: false }, answer.body.proof.challenge);
  expect(signed.status).toBe(200);
  expect((await post("login/code", { challenge: answer.body.proof.challenge, code: "000000" })).status).toBe(401);
});

test("alone, a passkey must have recognised its owner", async () => {
  const ann = await withPasskey();
  expect((await enter(ann.key, { userVerified: false })).status).toBe(401);
  expect(await lastRefusal()).toBe("wrong_passkey");
});

test("an answer from another page, for another name, or with a counter that went back is refused", async () => {
  const ann = await withPasskey();
  expect((await enter(ann.key)).status).toBe(200);
  for (const wrong of [{ origin: "http://localhost:3001" }, { rpId: "evil.example.org" }, { counter: 1 }])
    expect([wrong, (await enter(ann.key, wrong)).status]).toEqual([wrong, 401]);
  expect((await enter(ann.key, { counter: 9 })).status).toBe(200);
});

test("an answer is good once, for its own question, for five minutes", async () => {
  const ann = await withPasskey();
  const [first, second] = [(await post("passkey/options", {})).body, (await post("passkey/options", {})).body];
  const answer = { ceremony: first.ceremony, credential: ann.key.get(first.options) };
  expect((await post("passkey", { ceremony: second.ceremony, credential: answer.credential })).status).toBe(401);
  const both = await Promise.all([post("passkey", answer), post("passkey", answer)]);
  expect(both.map(({ status }) => status).sort()).toEqual([200, 401]);
  const late = (await post("passkey/options", {})).body;
  t.setNow(new Date(t.ctx.now().getTime() + 301_000));
  expect((await post("passkey", { ceremony: late.ceremony, credential: ann.key.get(late.options) })).status).toBe(401);
});

test("nobody else's passkey is a second factor, and one of a deactivated user opens nothing", async () => {
  const [ann, bob] = [await withPasskey(), await withPasskey()];
  expect((await enter(bob.key, {}, await challengeOf(ann))).status).toBe(401);
  expect(await lastRefusal()).toBe("unknown_passkey");
  expect((await enter(bob.key)).status).toBe(200);
  await t.ctx.sql`update identity.users set active = false where id = ${bob.userId}`;
  expect((await enter(bob.key)).status).toBe(401);
  expect((await enter(new SoftwareAuthenticator())).status).toBe(401);
});

test("a passkey begun before the password was reset is no second factor after it", async () => {
  const ann = await withPasskey();
  const challenge = await challengeOf(ann);
  const { body } = await post("passkey/options", { challenge });
  await post("password", { currentPassword: ann.password, newPassword: "another long sentence" }, ann.headers);
  expect((await post("passkey", { ceremony: body.ceremony, credential: ann.key.get(body.options) })).status).toBe(401);
  expect((await post("passkey/options", { challenge })).status).toBe(401);
});

test("a passkey is registered once, by whoever began it, and answers that fit nothing are refused as wrong input", async () => {
  const [ann, bob] = [await withPasskey(), await signedIn(t.ctx, http)];
  expect((await register(bob, ann.key)).answer.status).toBe(409);
  expect((await register(bob, undefined, { origin: "http://localhost:1" })).answer.status).toBe(400);
  const { body } = await post("passkeys/options", undefined, ann.headers);
  const credential = new SoftwareAuthenticator().create(body.options);
  expect((await post("passkeys", { ceremony: body.ceremony, name: "x", credential }, bob.headers)).status).toBe(401);
  const nonsense = { ...credential, response: { clientDataJSON: "AAAA", attestationObject: "AAAA" } };
  const again = (await post("passkeys/options", undefined, bob.headers)).body;
  const answer = await post("passkeys", { ceremony: again.ceremony, name: "x", credential: nonsense }, bob.headers);
  expect([answer.status, answer.body.code]).toEqual([400, "invalid_argument"]);
});

test("several passkeys have names; each is renamed and taken away by its owner alone", async () => {
  const ann = await withPasskey();
  const bob = await withPasskey();
  expect((await register(ann)).answer.body.codes).toEqual([]);
  const path = `/api/v1/auth/passkeys/${ann.passkeyId}`;
  expect((await http.call("PATCH", path, { name: "phone" }, bob.headers)).status).toBe(404);
  expect((await http.call("DELETE", path, undefined, bob.headers)).status).toBe(404);
  expect((await http.call("PATCH", path, { name: "phone" }, ann.headers)).status).toBe(204);
  expect((await http.call("DELETE", path, undefined, ann.headers)).status).toBe(204);
  expect((await enter(ann.key)).status).toBe(401);
  const rows = await t.ctx.sql`select action from communication.audit where object_id = ${ann.userId} order by id`;
  expect(rows.map(({ action }) => action)).toEqual(
    expect.arrayContaining(["user.passkey_added", "user.passkey_renamed", "user.passkey_removed"]),
  );
});

test("wrong passkeys of one address are held back", async () => {
  const codes: number[] = [];
  for (let i = 0; i < 10; i++) codes.push((await enter(new SoftwareAuthenticator())).status);
  expect(codes).toEqual([...Array(8).fill(401), 429, 429]);
});

test("where browsers make no passkeys the refusal says why", async () => {
  const { Registry } = await import("prom-client");
  const config = { ...t.ctx.config, publicUrl: "http://192.0.2.7:3000" };
  const plain = testHttp({ ...t.ctx, config, metrics: new Registry() });
  const answer = await plain.call("POST", "/api/v1/auth/passkey/options", {});
  expect([answer.status, answer.body.code]).toEqual([409, "failed_precondition"]);
  expect(answer.body.detail).toContain("OC_PUBLIC_URL");
});
