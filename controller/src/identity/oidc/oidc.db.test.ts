// Sign-on against a real OpenID provider in a process of its own: what works, and what must not.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { checkHealth } from "../../health.ts";
import { type TestContext, testContext } from "../../testing/test-context.ts";
import { signedIn, type TestHttp, testHttp } from "../../testing/test-http.ts";
import { forgetSession } from "../authenticate.ts";
import { ensureBuiltInRoles } from "../built-in-roles.ts";
import { signOnRoleTrouble } from "./missing-roles.ts";
import { OidcProvider } from "./oidc-provider.ts";
import { startProvider, type TestProvider } from "./testing/start-provider.ts";

let t: TestContext;
let http: TestHttp;
let provider: TestProvider;
const redirectUri = "http://127.0.0.1:3000/api/v1/auth/oidc/callback";
const settings = {
  oidcClientId: "opsconductor",
  oidcClientSecret: "a-secret-of-the-tests",
  oidcScopes: "openid profile email groups",
  oidcCreateUsers: true,
  oidcRoles: [
    { group: "ops", role: "operator" },
    { group: "leads", role: "manager" },
  ],
};

beforeAll(async () => {
  provider = await startProvider(redirectUri);
  t = await testContext({ ...settings, oidcIssuer: provider.issuer });
  http = testHttp(t.ctx);
  await ensureBuiltInRoles(t.ctx);
  t.ctx.identity.oidc = new OidcProvider({ ...t.ctx.config, oidcIssuer: provider.issuer });
});
afterAll(async () => {
  await provider.stop();
  await t.close();
});
afterEach(() => {
  vi.useRealTimers();
  Object.assign(t.ctx.config, settings, { oidcDefaultRole: undefined });
});

let count = 0;
let name: string;
beforeEach(async () => {
  name = `person-${++count}`;
  await person(["ops"]);
});
const person = (groups: string[], more = {}) =>
  provider.set(`people/${name}`, {
    preferred_username: name,
    name: "A Person",
    email: `${name}@example.com`,
    groups,
    ...more,
  });

const begin = async (next = "/jobs") => {
  const answer = await http.call("GET", `/api/v1/auth/oidc/start?next=${encodeURIComponent(next)}`);
  return { url: answer.headers.get("location")!, cookie: answer.cookie! };
};
const comeBack = (url: URL, cookie: string) =>
  http.call("GET", url.pathname + url.search, undefined, cookie ? { cookie } : {});
/** Where the browser is sent in the end, and with which cookie. */
const signOn = async (who = name) => {
  const { url, cookie } = await begin();
  const answer = await comeBack(await provider.walk(url, who), cookie);
  const session = answer.headers
    .getSetCookie()
    .find((line) => line.startsWith("oc_refresh="))
    ?.split(";")[0];
  return { status: answer.status, to: answer.headers.get("location"), session };
};
const whoHas = async (cookie: string) => {
  const { body } = await http.call("POST", "/api/v1/auth/refresh", undefined, { cookie });
  return { user: body.user, headers: { authorization: `Bearer ${body.accessToken}` } };
};
const audited = (action: string) =>
  t.ctx.sql`select actor_kind, actor_name, object_name, before, after, detail from communication.audit
    where action = ${action} and object_name = ${name} order by id desc`;
const accounts = () => t.ctx.sql`select id from identity.users where username = ${name}`;

test("a first sign-in makes an account with the roles of the groups, and a second one finds it", async () => {
  const first = await signOn();
  expect([first.status, first.to]).toEqual([303, "/jobs"]);
  const { user } = await whoHas(first.session!);
  expect(user).toMatchObject({
    username: name,
    displayName: "A Person",
    email: `${name}@example.com`,
    roles: ["operator"],
  });
  const second = await signOn();
  expect((await whoHas(second.session!)).user.id).toBe(user.id);
  expect(await accounts()).toHaveLength(1);
  expect(await audited("user.created")).toMatchObject([{ actorKind: "system", actorName: "sign-on" }]);
  expect(await audited("user.signed_in")).toMatchObject([{ detail: { methods: ["oidc"] } }, {}]);
});

test("two first sign-ins of one person at once make one account", async () => {
  const both = await Promise.all([signOn(), signOn()]);
  expect(both.map(({ to }) => to)).toEqual(["/jobs", "/jobs"]);
  expect(await accounts()).toHaveLength(1);
});

test("nobody gets an account where the configuration does not allow it, or without a role", async () => {
  t.ctx.config.oidcCreateUsers = false;
  expect((await signOn()).to).toBe("/login?sso=unknown");
  t.ctx.config.oidcCreateUsers = true;
  await person(["choir"]);
  expect((await signOn()).to).toBe("/login?sso=no_role");
  expect(await accounts()).toHaveLength(0);
  t.ctx.config.oidcDefaultRole = "viewer";
  expect((await whoHas((await signOn()).session!)).user.roles).toEqual(["viewer"]);
});

test("a role of the configuration that is not there is told in health and to whom it would give nothing, and leaves no account", async () => {
  t.ctx.config.oidcRoles = [
    { group: "ops", role: "opertor" },
    { group: "leads", role: "manager" },
  ];
  expect(await signOnRoleTrouble(t.ctx)).toContain("roles that do not exist (OC_OIDC_ROLES: opertor)");
  expect((await signOn()).to).toBe("/login?sso=role_missing");
  expect(await accounts()).toHaveLength(0);
  const [entry] = await t.ctx.sql`select outcome, detail from communication.audit
    where action = 'user.sign_in_refused' order by id desc limit 1`;
  expect(entry).toMatchObject({
    outcome: "refused",
    detail: { why: "sign_on_role_missing", roles: ["opertor"] },
  });
  await person(["ops", "leads"]);
  expect((await whoHas((await signOn()).session!)).user.roles).toEqual(["manager"]);
  await person(["ops"]);
  expect((await signOn()).to).toBe("/login?sso=role_missing");
  t.ctx.config.oidcDefaultRole = "vewer";
  expect(await signOnRoleTrouble(t.ctx)).toContain("(OC_OIDC_ROLES: opertor; OC_OIDC_DEFAULT_ROLE: vewer)");
});

test("a name that no account can have is told as that, and not as an answer that could not be believed", async () => {
  for (const preferred_username of ["with a space", "", "x".repeat(65), "01a20979-d2fe-76f1-84b1-ea3615eb8e01"]) {
    await person(["ops"], { preferred_username });
    expect([preferred_username, (await signOn()).to]).toEqual([preferred_username, "/login?sso=name_unusable"]);
  }
  expect(await accounts()).toHaveLength(0);
});

test("a local account is never taken over by its name or e-mail; its owner connects it while signed in", async () => {
  const local = await signedIn(t.ctx, http, ["jobs:read"]);
  await t.db.owner`update identity.users set email = ${`${name}@example.com`} where id = ${local.userId}`;
  await person(["ops"], { preferred_username: local.username.toUpperCase() });
  expect((await signOn()).to).toBe("/login?sso=name_taken");
  const begun = await http.call("POST", "/api/v1/auth/oidc/link", undefined, local.headers);
  const back = await comeBack(await provider.walk(begun.body.url, name), begun.cookie!);
  expect(back.headers.get("location")).toBe("/me?sso=linked");
  expect(back.headers.getSetCookie().join()).not.toContain("oc_refresh");
  const link = await http.call("GET", "/api/v1/auth/oidc/link", undefined, local.headers);
  expect(link.body.link).toMatchObject({ issuer: provider.issuer });
  const { user } = await whoHas((await signOn()).session!);
  expect(user.id).toBe(local.userId);
  expect(user.roles).toContain("operator");
  expect((await http.call("DELETE", "/api/v1/auth/oidc/link", undefined, local.headers)).status).toBe(204);
  expect((await signOn()).to).toBe("/login?sso=name_taken");
});

test("an account is connected in the browser and session that asked, once, and with no other's", async () => {
  const [ann, bob] = [await signedIn(t.ctx, http, []), await signedIn(t.ctx, http, [])];
  const begun = await http.call("POST", "/api/v1/auth/oidc/link", undefined, ann.headers);
  const back = await provider.walk(begun.body.url, name);
  expect((await comeBack(back, "")).headers.get("location")).toBe("/login?sso=expired");
  await t.db.owner`update identity.sessions set revoked_at = now() where user_id = ${ann.userId}`;
  forgetSession(t.ctx, null);
  expect((await comeBack(back, begun.cookie!)).headers.get("location")).toBe("/me?sso=session_ended");
  await signOn(); // now the person has an account of their own
  const other = await http.call("POST", "/api/v1/auth/oidc/link", undefined, bob.headers);
  const elsewhere = await comeBack(await provider.walk(other.body.url, name), other.cookie!);
  expect(elsewhere.headers.get("location")).toBe("/me?sso=linked_elsewhere");
});

test("who has no password here cannot cut off the only way to sign in", async () => {
  const { headers } = await whoHas((await signOn()).session!);
  const answer = await http.call("DELETE", "/api/v1/auth/oidc/link", undefined, headers);
  expect([answer.status, answer.body.code]).toEqual([409, "failed_precondition"]);
});

test("roles follow the groups at every sign-in; what was given by hand stays; without any role nobody gets in", async () => {
  const first = await whoHas((await signOn()).session!);
  await person(["ops", "leads"]);
  expect((await whoHas((await signOn()).session!)).user.roles).toEqual(["manager", "operator"]);
  await person([]);
  expect((await signOn()).to).toBe("/login?sso=no_role");
  expect((await http.call("GET", "/api/v1/jobs", undefined, first.headers)).status).toBe(403);
  expect(await audited("user.roles_mapped")).toMatchObject([
    { before: { roles: ["manager", "operator"] }, after: { roles: [] }, detail: { groups: [] } },
    { after: { roles: ["manager", "operator"] } },
    { after: { roles: ["operator"] } },
  ]);
  await t.db.owner`insert into identity.user_roles (user_id, role_id)
    select ${first.user.id}, id from identity.roles where name = 'viewer'`;
  expect((await whoHas((await signOn()).session!)).user.roles).toEqual(["viewer"]);
});

test("a group that is gone does not take the last administrator away", async () => {
  await t.db.owner`update identity.users set active = false`;
  const admin = await signedIn(t.ctx, http, []);
  await t.db.owner`insert into identity.user_roles (user_id, role_id)
    select ${admin.userId}, id from identity.roles where name = 'admin'`;
  const begun = await http.call("POST", "/api/v1/auth/oidc/link", undefined, admin.headers);
  await comeBack(await provider.walk(begun.body.url, name), begun.cookie!);
  t.ctx.config.oidcRoles = [{ group: "admins", role: "admin" }];
  expect((await signOn()).to).toBe("/login?sso=last_administrator");
  expect((await http.call("GET", "/api/v1/auth/me", undefined, admin.headers)).body.roles).toContain("admin");
});

test("who is deactivated here does not get in, whatever the provider says", async () => {
  const { user } = await whoHas((await signOn()).session!);
  await t.db.owner`update identity.users set active = false where id = ${user.id}`;
  const refused = await signOn();
  expect([refused.to, refused.session]).toEqual(["/login?sso=disabled", undefined]);
  expect(await audited("user.sign_in_refused")).toMatchObject([
    { objectName: name, detail: { why: "sign_on_disabled" } },
  ]);
});

test("a second factor set up here is asked for after the provider, and the session says both", async () => {
  const { user } = await whoHas((await signOn()).session!);
  await t.db.owner`insert into identity.totp_factors (user_id, seed_sealed, created_at, confirmed_at)
    values (${user.id}, '\\x00', now(), now())`;
  const { to, session } = await signOn();
  expect([to!.startsWith("/login#step="), session]).toEqual([true, undefined]);
  const wrong = await http.call("POST", "/api/v1/auth/login/code", {
    challenge: new URLSearchParams(to!.slice("/login#".length)).get("step"),
    code: "no-such-code",
  });
  expect(wrong.status).not.toBe(200);
  const rows = await t.ctx.sql`select first_proof from identity.auth_challenges where user_id = ${user.id}`;
  expect(rows).toMatchObject([{ firstProof: "oidc" }]);
});

test("an answer without this browser's cookie is refused: nobody is signed in as somebody else by a link", async () => {
  const { url } = await begin();
  const back = await provider.walk(url, name);
  expect((await comeBack(back, "")).headers.get("location")).toBe("/login?sso=expired");
  const victim = await begin();
  expect((await comeBack(back, victim.cookie)).headers.get("location")).toBe("/login?sso=expired");
  const forged = `oc_sign_on=${Buffer.from(JSON.stringify({ state: back.searchParams.get("state") })).toString("base64url")}`;
  expect((await comeBack(back, forged)).headers.get("location")).toBe("/login?sso=expired");
  expect(await accounts()).toHaveLength(0);
});

test("a state comes back once, even with everything that belongs to it", async () => {
  const { url, cookie } = await begin();
  const back = await provider.walk(url, name);
  expect((await comeBack(back, cookie)).headers.get("location")).toBe("/jobs");
  expect((await comeBack(back, cookie)).headers.get("location")).toBe("/login?sso=expired");
});

test("a sign-on that took more than ten minutes begins again", async () => {
  const { url, cookie } = await begin();
  const back = await provider.walk(url, name);
  t.setNow(new Date(Date.now() + 601_000));
  expect((await comeBack(back, cookie)).headers.get("location")).toBe("/login?sso=expired");
  t.setNow(new Date());
});

test.each([
  ["another nonce", (url: URL) => url.searchParams.set("nonce", "of-somebody-else")],
  ["another PKCE challenge", (url: URL) => url.searchParams.set("code_challenge", "A".repeat(43))],
])("a code that was asked for with %s is worth nothing", async (_, alter) => {
  const { url, cookie } = await begin();
  const altered = new URL(url);
  alter(altered);
  const back = await provider.walk(altered.href, name);
  expect((await comeBack(back, cookie)).headers.get("location")).toBe("/login?sso=invalid");
  expect(await accounts()).toHaveLength(0);
});

test.each([
  ["names another issuer (mix-up)", (url: URL) => url.searchParams.set("iss", "http://127.0.0.1:9")],
  ["names no issuer", (url: URL) => url.searchParams.delete("iss")],
  ["has an invented code", (url: URL) => url.searchParams.set("code", "invented")],
])("an answer that %s is refused", async (_, alter) => {
  const { url, cookie } = await begin();
  const back = await provider.walk(url, name);
  alter(back);
  expect((await comeBack(back, cookie)).headers.get("location")).toBe("/login?sso=invalid");
});

test("who refuses at the provider comes back to the sign-in page", async () => {
  expect((await signOn("")).to).toBe("/login?sso=denied");
});

test("an expired ID token is refused", async () => {
  const late = async (idTokenSeconds: number) => {
    await provider.set("id-token-seconds", idTokenSeconds);
    const { url, cookie } = await begin();
    const back = await provider.walk(url, name);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 5 * 60_000 });
    const answer = await comeBack(back, cookie);
    vi.useRealTimers();
    return answer.headers.get("location");
  };
  expect(await late(60)).toBe("/login?sso=invalid");
  expect(await late(3600)).toBe("/jobs");
});

test("new keys of the provider are found at the next sign-in", async () => {
  expect((await signOn()).to).toBe("/jobs");
  await provider.set("keys");
  expect((await signOn()).to).toBe("/jobs");
});

test("a provider that is another one than its address says is refused", async () => {
  const other = new OidcProvider({ ...t.ctx.config, oidcIssuer: provider.issuer.replace("127.0.0.1", "localhost") });
  await expect(other.discover()).rejects.toThrow();
  expect(other.trouble).toMatch(/issuer/i);
});

test("while the provider is down, people are told, local passwords work, and it comes back by itself", async () => {
  const own = t.ctx.identity.oidc!;
  t.ctx.health.set("sign-on", () => (own.trouble ? { status: "degraded", detail: own.trouble } : { status: "ok" }));
  const { url, cookie } = await begin();
  const back = await provider.walk(url, name);
  await provider.stop();
  expect((await comeBack(back, cookie)).headers.get("location")).toBe("/login?sso=unavailable");
  t.ctx.identity.oidc = new OidcProvider({ ...t.ctx.config, oidcIssuer: provider.issuer });
  expect((await begin()).url).toBe("/login?sso=unavailable");
  expect((await http.call("GET", "/api/v1/auth/options")).body.provider).toEqual({
    name: "single sign-on",
    available: false,
  });
  const local = await signedIn(t.ctx, http, []);
  expect((await http.call("POST", "/api/v1/auth/oidc/link", undefined, local.headers)).status).toBe(503);
  expect((await checkHealth(t.ctx.health))["sign-on"]).toEqual({ status: "ok" });
  await provider.start();
  await person(["ops"]);
  expect((await signOn()).to).toBe("/jobs");
});

test("without a provider in the configuration nothing leads to one", async () => {
  const { headers } = await signedIn(t.ctx, http, []);
  const own = t.ctx.identity.oidc!;
  delete t.ctx.identity.oidc;
  expect((await http.call("GET", "/api/v1/auth/options")).body).toEqual({ provider: null });
  expect((await begin()).url).toBe("/login?sso=unavailable");
  expect((await http.call("POST", "/api/v1/auth/oidc/link", undefined, headers)).status).toBe(409);
  expect((await http.call("GET", "/api/v1/auth/oidc/end")).headers.get("location")).toBe("/login");
  t.ctx.identity.oidc = own;
});

test("a path of another origin is no place to go on to", async () => {
  for (const next of ["//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example"]) {
    const { url, cookie } = await begin(next);
    const answer = await comeBack(await provider.walk(url, name), cookie);
    expect([next, answer.headers.get("location")]).toEqual([next, "/"]);
  }
});

test("signing out tells where the provider's session ends, and only for sessions that began there", async () => {
  const { session } = await signOn();
  const out = await http.call("POST", "/api/v1/auth/logout", undefined, { cookie: session! });
  expect([out.status, out.body]).toEqual([200, { endSession: "/api/v1/auth/oidc/end" }]);
  const end = new URL((await http.call("GET", "/api/v1/auth/oidc/end")).headers.get("location")!);
  expect([end.origin, end.searchParams.get("post_logout_redirect_uri")]).toEqual([
    provider.issuer,
    "http://127.0.0.1:3000/login",
  ]);
  const local = await signedIn(t.ctx, http, []);
  expect((await http.call("POST", "/api/v1/auth/logout", undefined, { cookie: local.cookie })).status).toBe(204);
});

test("neither codes nor tokens nor the client's secret are in the audit log", async () => {
  await signOn();
  const text = JSON.stringify(await t.db.owner`select * from communication.audit`);
  expect(text).not.toMatch(/code=|eyJ|a-secret-of-the-tests/);
});
