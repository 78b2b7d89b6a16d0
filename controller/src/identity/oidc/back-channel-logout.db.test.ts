// The provider ends sessions here: with the logout tokens of a real one, over a real connection, and with forged ones.
import { createHmac, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Context } from "../../context.ts";
import { startHttpServer } from "../../http/server.ts";
import { type TestContext, testContext } from "../../testing/test-context.ts";
import { signedIn, type TestHttp, testHttp } from "../../testing/test-http.ts";
import { ensureBuiltInRoles } from "../built-in-roles.ts";
import { createIdentity } from "../identity.ts";
import { OidcProvider } from "./oidc-provider.ts";
import { startProvider, type TestProvider } from "./testing/start-provider.ts";

let t: TestContext;
let http: TestHttp;
let provider: TestProvider;
let server: Awaited<ReturnType<typeof startHttpServer>>;
let admin: Awaited<ReturnType<typeof signedIn>>;
const path = "/api/v1/auth/oidc/back-channel-logout";
const secret = "a-secret-of-the-tests";

beforeAll(async () => {
  provider = await startProvider("http://127.0.0.1:3000/api/v1/auth/oidc/callback");
  t = await testContext({
    ...{ oidcIssuer: provider.issuer, oidcClientId: "opsconductor", oidcClientSecret: secret, oidcCreateUsers: true },
    ...{ oidcScopes: "openid profile email groups", oidcRoles: [{ group: "ops", role: "operator" }] },
  });
  await ensureBuiltInRoles(t.ctx);
  t.ctx.identity.oidc = new OidcProvider({ ...t.ctx.config, oidcIssuer: provider.issuer });
  const ctx: Context = { ...t.ctx, config: { ...t.ctx.config, httpAddr: { host: "127.0.0.1", port: 0 } } };
  server = await startHttpServer(ctx);
  http = testHttp({ ...t.ctx, metrics: new (await import("prom-client")).Registry() });
  await provider.set("back-channel", `http://127.0.0.1:${server.port}${path}`);
  admin = await signedIn(t.ctx, http);
});
afterAll(async () => {
  await server.stop();
  await provider.stop();
  await t.close();
});

let count = 0;
let name: string;
beforeEach(async () => {
  const { oidc, signingKey } = t.ctx.identity;
  Object.assign(t.ctx.identity, createIdentity(signingKey), { oidc });
  name = `leaver-${++count}`;
  await provider.set(`people/${name}`, { preferred_username: name, groups: ["ops"] });
});

interface Browser {
  jar: Map<string, string>;
  userId: string;
  sessionId: string;
  sid: string;
}

async function signOn(jar = new Map<string, string>()): Promise<Browser> {
  const begun = await http.call("GET", "/api/v1/auth/oidc/start");
  const back = await provider.walk(begun.headers.get("location")!, name, jar);
  const done = await http.call("GET", back.pathname + back.search, undefined, { cookie: begun.cookie! });
  expect(done.headers.get("location")).toBe("/");
  const [row] = await t.ctx.sql`select s.id, s.user_id, s.provider_sid from identity.sessions s
    join identity.users u on u.id = s.user_id where u.username = ${name} order by s.created_at desc limit 1`;
  return { jar, userId: row!.userId, sessionId: row!.id, sid: row!.providerSid };
}

const ended = async ({ sessionId }: Pick<Browser, "sessionId">) =>
  (await t.ctx.sql`select revoked_reason from identity.sessions where id = ${sessionId}`)[0]!.revokedReason;
const audited = (action: string) =>
  t.ctx.sql`select actor_name, object_name, detail from communication.audit where action = ${action}
    order by id desc limit 1`.then((rows) => rows[0]);

/** A logout token as the provider would sign it, but for what is named; undefined leaves a claim out. */
const tokenOf = (claims: Record<string, unknown>, header: Record<string, unknown> = {}) => {
  const now = Math.floor(Date.now() / 1000);
  const events = { "http://schemas.openid.net/event/backchannel-logout": {} };
  const whole = { iss: provider.issuer, aud: "opsconductor", iat: now, exp: now + 120, jti: randomUUID(), events };
  return provider.set("sign", { header: { typ: "logout+jwt", ...header }, claims: { ...whole, ...claims } });
};
const send = async (token: string) => {
  const answer = await http.app.request(path, { method: "POST", body: new URLSearchParams({ logout_token: token }) });
  const text = await answer.text();
  return { status: answer.status, cache: answer.headers.get("cache-control"), code: text && JSON.parse(text).code };
};

test("who signs out at the provider is signed out here, in that browser and no other", async () => {
  const first = await signOn();
  const second = await signOn();
  expect(first.sid).not.toBe(second.sid);
  await provider.signOut(first.jar);
  await expect.poll(() => ended(first), { timeout: 20_000 }).toBe("ended_by_provider");
  expect(await ended(second)).toBeNull();
  expect(await audited("user.signed_out_by_provider")).toMatchObject({
    ...{ actorName: "sign-on", objectName: name, detail: { sessions: 1, all: false } },
  });
});

test("a token that names the person only ends all that began there, and no session of the password", async () => {
  const [first, second] = [await signOn(), await signOn()];
  const link = (await http.call("POST", `/api/v1/users/${name}/password-link`, undefined, admin.headers)).body.token;
  const third = await signOn(); // the link will end the two before
  const password = "a quiet river of words";
  expect((await http.call("POST", "/api/v1/auth/password-link", { token: link, newPassword: password })).status).toBe(
    204,
  );
  const fourth = await signOn();
  const local = await http.call("POST", "/api/v1/auth/login", { username: name, password });
  expect(await send(await tokenOf({ sub: name }))).toMatchObject({ status: 200, cache: "no-store" });
  expect(await Promise.all([first, second, third].map(ended))).toEqual(Array(3).fill("password_changed"));
  expect(await ended(fourth)).toBe("ended_by_provider");
  const headers = { authorization: `Bearer ${local.body.accessToken}` };
  expect((await http.call("GET", "/api/v1/auth/me", undefined, headers)).status).toBe(200);
});

test("a token that names the session only ends it, and a sign-on that still waits for its second factor", async () => {
  const open = await signOn();
  await t.ctx
    .sql`insert into identity.auth_challenges (sha256, purpose, user_id, first_proof, provider_sid, credentials_epoch, expires_at)
    select ${Buffer.alloc(32, count)}, 'second-factor', ${open.userId}, 'oidc', ${open.sid}, credentials_epoch, now() + interval '5 min'
    from identity.users where id = ${open.userId}`;
  expect((await send(await tokenOf({ sid: open.sid }))).status).toBe(200);
  expect(await ended(open)).toBe("ended_by_provider");
  const [row] = await t.ctx.sql`select c.credentials_epoch < u.credentials_epoch as void from identity.auth_challenges c
    join identity.users u on u.id = c.user_id where c.user_id = ${open.userId}`;
  expect(row).toEqual({ void: true });
});

test("nobody to sign out is no error, and a token is good once", async () => {
  expect((await send(await tokenOf({ sub: "somebody else" }))).status).toBe(200);
  expect((await send(await tokenOf({ sid: "of another time" }))).status).toBe(200);
  const token = await tokenOf({ sub: name });
  expect([(await send(token)).status, (await send(token)).status]).toEqual([200, 400]);
});

const hour = 3600;
const seconds = () => Math.floor(Date.now() / 1000);
test.each<[string, () => Promise<string>]>([
  ["for another client", () => tokenOf({ sub: name, aud: "another" })],
  ["of another issuer", () => tokenOf({ sub: name, iss: "https://id.example.com" })],
  ["that expired", () => tokenOf({ sub: name, iat: seconds() - hour, exp: seconds() - hour + 120 })],
  ["that was made long ago", () => tokenOf({ sub: name, iat: seconds() - hour, exp: seconds() + hour })],
  ["of the future", () => tokenOf({ sub: name, iat: seconds() + hour, exp: seconds() + 2 * hour })],
  ["without an event, as an ID token is", () => tokenOf({ sub: name, events: undefined })],
  ["with another event", () => tokenOf({ sub: name, events: { "https://example.com/other": {} } })],
  ["with a nonce", () => tokenOf({ sub: name, nonce: "n" })],
  ["without a jti", () => tokenOf({ sub: name, jti: undefined })],
  ["without an iat", () => tokenOf({ sub: name, iat: undefined })],
  ["that names nobody", () => tokenOf({})],
  ["whose sid is no text", () => tokenOf({ sub: name, sid: 7 })],
  ["of another type", () => tokenOf({ sub: name }, { typ: "at+jwt" })],
  ["of an unknown key", () => tokenOf({ sub: name }, { kid: "unknown" })],
  ["signed by somebody else", async () => signedByAnother(await tokenOf({ sub: name }))],
  ["signed with the client's secret", async () => withHeader(await tokenOf({ sub: name }), "HS256")],
  ["without a signature", async () => withHeader(await tokenOf({ sub: name }), "none")],
  ["that is no token", async () => "a.b.c"],
])("a token %s ends nothing", async (_, make) => {
  const open = await signOn();
  const { status, code } = await send(await make());
  expect([status, code, await ended(open)]).toEqual([400, "invalid_argument", null]);
  expect(await audited("sign_on.logout_refused")).toMatchObject({ detail: { why: expect.any(String) } });
});

function signedByAnother(token: string): string {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const text = token.slice(0, token.lastIndexOf("."));
  return `${text}.${sign("sha256", Buffer.from(text), privateKey).toString("base64url")}`;
}

function withHeader(token: string, alg: "HS256" | "none"): string {
  const header = Buffer.from(JSON.stringify({ alg, typ: "logout+jwt" })).toString("base64url");
  const text = `${header}.${token.split(".")[1]}`;
  return `${text}.${alg === "none" ? "" : createHmac("sha256", secret).update(text).digest("base64url")}`;
}

test("a request without a token is refused in words", async () => {
  const of = async (body?: string | URLSearchParams) => {
    const answer = await http.app.request(path, { method: "POST", ...(body !== undefined && { body }) });
    return ((await answer.json()) as { code: string }).code;
  };
  expect(await of(new URLSearchParams())).toBe("invalid_argument");
  expect(await of(new URLSearchParams({ token: "x" }))).toBe("invalid_argument");
  expect(await of("logout_token=x")).toBe("unsupported_media_type"); // sent as plain text
});

test("an administrator separates an account: its sign-on sessions end, and the provider leads to none any more", async () => {
  const open = await signOn();
  const of = (method: string, who = name, headers = admin.headers) =>
    http.call(method, `/api/v1/users/${who}/sign-on`, undefined, headers);
  expect((await of("GET")).body.link).toMatchObject({ issuer: provider.issuer, name });
  const below = await signedIn(t.ctx, http, ["users:read", "users:write"]);
  expect((await of("DELETE", name, below.headers)).status).toBe(403);
  expect((await of("DELETE")).status).toBe(204);
  expect(await ended(open)).toBe("sign_on_separated");
  expect((await of("GET")).body).toEqual({ link: null });
  expect((await of("DELETE")).status).toBe(404);
  expect((await of("DELETE", admin.username)).body.code).toBe("failed_precondition");
  expect(await audited("user.sign_on_unlinked")).toMatchObject({
    objectName: name,
    detail: { subject: name, sessions: 1 },
  });
  const begun = await http.call("GET", "/api/v1/auth/oidc/start");
  const back = await provider.walk(begun.headers.get("location")!, name);
  const done = await http.call("GET", back.pathname + back.search, undefined, { cookie: begun.cookie! });
  expect(done.headers.get("location")).toBe("/login?sso=name_taken");
});

test("while the provider's keys cannot be fetched its sender is told to come again", async () => {
  const token = await tokenOf({ sub: name });
  t.ctx.identity.oidc = new OidcProvider({ ...t.ctx.config, oidcIssuer: provider.issuer });
  await provider.stop();
  expect(await send(token)).toMatchObject({ status: 503, code: "unavailable" });
});
