import { afterAll, beforeAll, expect, test } from "vitest";
import { insertApiToken, lockLiveToken } from "../../identity/api-token-queries.ts";
import { forgetSession } from "../../identity/authenticate.ts";
import { ensureBuiltInRoles } from "../../identity/built-in-roles.ts";
import { type TestContext, testContext } from "../../testing/test-context.ts";
import { signedIn, type TestHttp, testHttp } from "../../testing/test-http.ts";

type Headers = Record<string, string>;
let t: TestContext;
let http: TestHttp;
let admin: { headers: Headers; userId: string };
beforeAll(async () => {
  t = await testContext();
  http = testHttp(t.ctx);
  await ensureBuiltInRoles(t.ctx);
  admin = await signedIn(t.ctx, http);
});
afterAll(() => t.close());

const call = (method: string, path: string, body?: unknown, headers: Headers = admin.headers) =>
  http.call(method, `/api/v1/${path}`, body, headers);
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const make = async (scopes: string[], headers: Headers = admin.headers, more = {}) => {
  const answer = await call("POST", "auth/tokens", { name: "a program", scopes, ...more }, headers);
  expect([answer.status, answer.body.detail]).toEqual([201, undefined]);
  return { id: answer.body.id as string, headers: bearer(answer.body.token), body: answer.body };
};
const forget = () => forgetSession(t.ctx, null);
let count = 0;
const service = async (roles = ["viewer"]) => {
  const answer = await call("POST", "service-accounts", { name: `robot-${++count}`, roles });
  expect(answer.status).toBe(201);
  return answer.body as { id: string; name: string; revision: number };
};
const dayMs = 86_400_000;
const daysUntil = (at: string) => Math.round((Date.parse(at) - Date.now()) / dayMs);
const audited = (action: string, id: string) =>
  t.ctx.sql`select actor_id, actor_name, session_id, outcome, after, detail from communication.audit
    where action = ${action} and object_id = ${id} order by id`;

test("a token is shown once, kept as a hash, ends after 90 days, and does what its scopes say", async () => {
  const { id, headers, body } = await make(["jobs:read", "audit:read"]);
  expect(body.token).toMatch(/^oct_[0-9A-Za-z]{49}$/);
  expect(daysUntil(body.expiresAt)).toBe(90);
  expect(body.token).toContain(body.ending);
  expect((await call("GET", "jobs", undefined, headers)).status).toBe(200);
  const refused = await call("GET", "targets", undefined, headers);
  expect([refused.status, refused.body.detail]).toEqual([
    403,
    expect.stringMatching(/token a program .* targets:read/),
  ]);
  expect(refused.body.missing).toEqual({ permission: "targets:read", roles: [], givers: [] });
  const everywhere = await call("POST", "users", { username: "ann", roles: [] }, headers);
  expect([everywhere.status, everywhere.body.detail]).toEqual([403, expect.stringContaining("make a token")]);
  expect((await call("GET", "auth/me", undefined, headers)).body.permissions).toEqual(["jobs:read", "audit:read"]);
  const listed = await call("GET", "auth/tokens");
  expect(JSON.stringify(listed.body)).not.toContain(body.token);
  expect(JSON.stringify(await t.db.owner`select * from identity.api_tokens`)).not.toContain(body.token);
  expect(JSON.stringify(await t.db.owner`select * from communication.audit`)).not.toContain(body.token);
  expect(await audited("token.created", id)).toMatchObject([
    { actorId: admin.userId, after: { scopes: ["jobs:read", "audit:read"] } },
  ]);
});

test("what a token does is in the audit log under its owner's name and its own", async () => {
  const { id, headers } = await make(["targets:read", "targets:write"]);
  const target = await call("POST", "targets", { name: "made-by-a-program" }, headers);
  expect(target.status).toBe(201);
  expect(await audited("target.created", target.body.id)).toMatchObject([
    { actorId: admin.userId, sessionId: null, detail: { token: { id, name: "a program" } } },
  ]);
});

test("a token loses at once what its owner loses, and gets it back with the role", async () => {
  const owner = await signedIn(t.ctx, http, ["jobs:read", "targets:read", "tokens:own"]);
  const { headers } = await make(["jobs:read"], owner.headers);
  expect((await call("GET", "jobs", undefined, headers)).status).toBe(200);
  const roles = await t.db.owner`delete from identity.user_roles where user_id = ${owner.userId} returning *`;
  forget();
  expect((await call("GET", "jobs", undefined, headers)).status).toBe(403);
  await t.db.owner`insert into identity.user_roles ${t.db.owner(roles)}`;
  forget();
  expect((await call("GET", "jobs", undefined, headers)).status).toBe(200);
});

test("a token for everything does what its owner may, and not more", async () => {
  const owner = await signedIn(t.ctx, http, ["jobs:read", "tokens:own"]);
  const { headers } = await make(["*"], owner.headers);
  expect((await call("GET", "jobs", undefined, headers)).status).toBe(200);
  expect((await call("GET", "targets", undefined, headers)).status).toBe(403);
});

test("nobody makes a token with a permission that they lack, or without the permission to make one", async () => {
  const owner = await signedIn(t.ctx, http, ["jobs:read", "tokens:own"]);
  const wide = await call("POST", "auth/tokens", { name: "x", scopes: ["jobs:read", "users:write"] }, owner.headers);
  expect([wide.status, wide.body.detail]).toEqual([403, expect.stringMatching(/users:write .* can grant it/)]);
  expect(wide.body.missing.permission).toBe("users:write");
  const plain = await signedIn(t.ctx, http, ["jobs:read"]);
  expect((await call("POST", "auth/tokens", { name: "x", scopes: ["jobs:read"] }, plain.headers)).status).toBe(403);
  const odd = await call("POST", "auth/tokens", { name: " ", scopes: ["jobs:reed"] });
  expect(odd.status).toBe(400);
  expect(odd.body.errors.map((e: { path: string }) => e.path).sort()).toEqual(["name", "scopes.0"]);
});

test("a token makes no wider and no longer one, and those it made end with it", async () => {
  const parent = await make(["jobs:read", "tokens:own"], admin.headers, { expiresInDays: 10 });
  const ask = (input: object) => call("POST", "auth/tokens", { name: "child", ...input }, parent.headers);
  expect((await ask({ scopes: ["targets:read"] })).status).toBe(403);
  expect((await ask({ scopes: ["*"] })).status).toBe(403);
  const longer = await ask({ scopes: ["jobs:read"], expiresInDays: 11 });
  expect([longer.status, longer.body.errors[0].path]).toEqual([400, "expiresInDays"]);
  const child = await make(["jobs:read", "tokens:own"], parent.headers);
  expect(child.body.expiresAt).toBe(parent.body.expiresAt);
  const grandchild = await make(["jobs:read"], child.headers);
  expect((await call("DELETE", `auth/tokens/${parent.id}`)).status).toBe(204);
  for (const { headers } of [parent, child, grandchild])
    expect((await call("GET", "jobs", undefined, headers)).status).toBe(401);
  expect(await audited("token.revoked", grandchild.id)).toMatchObject([{ actorId: admin.userId }]);
});

test("a token that is being made while the one that makes it is revoked ends with it", async () => {
  const parent = await make(["jobs:read", "tokens:own"]);
  const childId = t.ctx.newId();
  const { promise: revoking, resolve: goOn } = Promise.withResolvers<void>();
  const { promise: inserted, resolve: insertedIt } = Promise.withResolvers<void>();
  const making = t.ctx.sql.begin(async (tx) => {
    expect(await lockLiveToken(tx, parent.id, t.ctx.now())).toBe(true);
    const origin = { parentId: parent.id, createdBy: admin.userId, createdAt: t.ctx.now(), expiresAt: null };
    const secret = { sha256: Buffer.from(childId), ending: "abcd" };
    await insertApiToken(tx, { id: childId, userId: admin.userId, name: "late", scopes: ["*"], ...secret, ...origin });
    insertedIt();
    await revoking;
  });
  await inserted;
  const revoked = call("DELETE", `auth/tokens/${parent.id}`);
  const waits = () => t.db.owner`select from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock' and query like '%api_tokens%'`;
  await expect.poll(async () => (await waits()).length).toBeGreaterThan(0);
  goOn();
  await making;
  expect((await revoked).status).toBe(204);
  const [child] = await t.db.owner`select revoked_at from identity.api_tokens where id = ${childId}`;
  expect(child!.revokedAt).not.toBeNull();
});

test("a token sees and ends itself and what it made, and none of its owner's others", async () => {
  const other = await make(["jobs:read"]);
  const parent = await make(["jobs:read", "tokens:own"]);
  const child = await make(["jobs:read"], parent.headers);
  const seen = (await call("GET", "auth/tokens", undefined, parent.headers)).body.items;
  expect(seen.map(({ id }: { id: string }) => id)).toEqual([child.id, parent.id]);
  expect((await call("DELETE", `auth/tokens/${other.id}`, undefined, parent.headers)).status).toBe(404);
  expect((await call("DELETE", `auth/tokens/${child.id}`, undefined, parent.headers)).status).toBe(204);
  expect((await call("DELETE", `auth/tokens/${parent.id}`, undefined, parent.headers)).status).toBe(204);
  expect((await call("GET", "jobs", undefined, parent.headers)).status).toBe(401);
  expect((await call("GET", "jobs", undefined, other.headers)).status).toBe(200);
});

test("expired, revoked, mistyped and invented tokens get 401, and their use is audited once an hour", async () => {
  const expired = await make(["jobs:read"]);
  await t.db.owner`update identity.api_tokens set expires_at = now() - interval '1 minute' where id = ${expired.id}`;
  forget();
  for (let i = 0; i < 3; i++) {
    const answer = await call("GET", "jobs", undefined, expired.headers);
    expect([answer.status, answer.body.detail]).toEqual([401, expect.stringContaining("expired")]);
  }
  expect(await audited("token.refused", expired.id)).toMatchObject([
    { outcome: "refused", detail: { why: "expired" } },
  ]);
  const { token } = (await make(["jobs:read"])).body;
  const cut = await call("GET", "jobs", undefined, bearer(token.slice(0, -1)));
  expect([cut.status, cut.body.detail]).toEqual([401, expect.stringContaining("mistyped")]);
  const invented = "oct_0123456789abcdefghijABCDEFGHIJ0123456789abc";
  expect((await call("GET", "jobs", undefined, bearer(invented))).status).toBe(401);
});

test("tokens live no longer than the configuration allows, and without an end only where it is allowed", async () => {
  const ask = (path: string, expiresInDays: number | null) =>
    call("POST", path, { name: "x", scopes: ["jobs:read"], expiresInDays });
  const { name } = await service();
  const services = `service-accounts/${name}/tokens`;
  for (const [path, days] of [
    ["auth/tokens", 367],
    [services, 367],
    [services, 4000],
    ["auth/tokens", null],
    [services, null],
  ] as const)
    expect([path, days, (await ask(path, days)).body.errors?.[0].path]).toEqual([path, days, "expiresInDays"]);
  expect((await ask(services, 4000)).body.errors[0].message).toBe("must be at most 366 (OC_TOKEN_MAX_DAYS)");
  t.ctx.config.tokenNoExpiry = true;
  expect((await ask("auth/tokens", null)).status).toBe(400);
  expect((await ask(services, null)).body.expiresAt).toBeNull();
  t.ctx.config.tokenNoExpiry = false;
  t.ctx.config.tokenMaxDays = 30;
  expect(daysUntil((await make(["jobs:read"])).body.expiresAt)).toBe(30);
  t.ctx.config.tokenMaxDays = 366;
});

test("a service account works by its tokens, never by a password, and stops and goes on with its activation", async () => {
  const { id, name, revision } = await service(["operator"]);
  const made = await call("POST", `service-accounts/${name}/tokens`, { name: "ci", scopes: ["jobs:read"] });
  const headers = bearer(made.body.token);
  expect((await call("GET", "auth/me", undefined, headers)).body).toMatchObject({ id, username: name });
  expect((await call("POST", "auth/login", { username: name, password: "anything at all" }, {})).status).toBe(401);
  expect((await call("POST", `users/${name}/password-link`)).status).toBe(404);
  expect((await call("GET", `users/${name}`)).status).toBe(404);
  expect((await call("GET", "users?limit=1000")).body.items.map((u: { username: string }) => u.username)).not.toContain(
    name,
  );
  await expect(t.db.owner`update identity.users set password_hash = 'x' where id = ${id}`).rejects.toThrow(
    /no_password/,
  );
  const set = (active: boolean, from: number) =>
    http.call("PATCH", `/api/v1/service-accounts/${id}`, { active }, { ...admin.headers, "if-match": `"${from}"` });
  const off = await set(false, revision);
  expect([off.status, off.body.active, off.body.tokenCount]).toEqual([200, false, 1]);
  expect((await set(true, revision)).status).toBe(412);
  const refused = await call("GET", "jobs", undefined, headers);
  expect([refused.status, refused.body.detail]).toEqual([401, expect.stringContaining("not active")]);
  expect((await call("GET", `tokens?owner=${name}`)).body.items).toMatchObject([{ state: "suspended" }]);
  await set(true, off.body.revision);
  expect((await call("GET", "jobs", undefined, headers)).status).toBe(200);
});

test("nobody makes or takes tokens of a service account that may do more than they, nor gives it such a role", async () => {
  const robot = await service(["admin"]);
  const keeper = await signedIn(t.ctx, http, ["tokens:read", "tokens:write", "jobs:read"]);
  const ask = (method: string, path: string, body?: unknown) => call(method, path, body, keeper.headers);
  expect(
    (await ask("POST", `service-accounts/${robot.name}/tokens`, { name: "x", scopes: ["jobs:read"] })).status,
  ).toBe(403);
  expect((await ask("PATCH", `service-accounts/${robot.name}`, { active: false })).status).toBe(403);
  expect((await ask("POST", "service-accounts", { name: "climber", roles: ["manager"] })).status).toBe(403);
  const foreign = await make(["jobs:read"]);
  expect((await ask("DELETE", `tokens/${foreign.id}`)).status).toBe(403);
  expect((await ask("DELETE", `auth/tokens/${foreign.id}`)).status).toBe(404);
  expect((await ask("GET", "tokens")).body.items.length).toBeGreaterThan(1);
});

test("a scope that the service account lacks is refused with its name, and one that it has within a part is not", async () => {
  const { name } = await service(["viewer"]);
  expect((await call("GET", `service-accounts/${name}`)).body.permissions).toContain("executions:read");
  const ask = (scopes: string[]) => call("POST", `service-accounts/${name}/tokens`, { name: "x", scopes });
  const refused = await ask(["jobs:read", "jobs:execute", "agents:write"]);
  expect([refused.status, refused.body.errors]).toEqual([
    400,
    [{ path: "scopes", message: expect.stringContaining(`${name} holds no jobs:execute, agents:write, so`) }],
  ]);
  expect((await call("POST", "groups", { name: "of-the-robot" })).status).toBe(201);
  const scope = { kind: "group", group: "of-the-robot" };
  expect((await call("POST", `users/${name}/grants`, { role: "operator", scope })).status).toBe(201);
  expect((await ask(["jobs:read", "jobs:execute"])).status).toBe(201);
  expect((await ask(["*"])).status).toBe(201);
});

test("a narrow token of an administrator is no way to the administrator's account or rights", async () => {
  const { headers } = await make(["users:read", "users:write", "tokens:write"]);
  const me = (await call("GET", "auth/me")).body;
  for (const [method, path, body] of [
    ["POST", `users/${me.username}/password-link`, undefined],
    ["PATCH", `users/${me.username}`, { email: "thief@example.com" }],
    ["POST", "users", { username: "accomplice", roles: ["admin"] }],
    ["POST", "service-accounts", { name: "accomplice-2", roles: ["operator"] }],
    ["POST", "auth/password", { currentPassword: "x", newPassword: "y".repeat(20) }],
    ["GET", "auth/sessions", undefined],
  ] as const)
    expect([path, (await call(method, path, body, headers)).status]).toEqual([path, 403]);
});

test("the last use is written in batches, and never goes back", async () => {
  const { id, headers } = await make(["jobs:read"]);
  await call("GET", "jobs", undefined, headers);
  const used = async () =>
    (await t.db.owner`select last_used_at from identity.api_tokens where id = ${id}`)[0]!.lastUsedAt;
  expect(await used()).toBeNull();
  await t.ctx.identity.tokenUses.write(t.ctx);
  const at = await used();
  expect(Date.now() - at.getTime()).toBeLessThan(60_000);
  t.ctx.identity.tokenUses.note({ id, at: new Date(at.getTime() - 5000), address: "192.0.2.1" });
  await t.ctx.identity.tokenUses.write(t.ctx);
  expect(await used()).toEqual(at);
});

test("an account has at most a hundred tokens that work", async () => {
  const { name } = await service();
  const ask = () => call("POST", `service-accounts/${name}/tokens`, { name: "x", scopes: ["jobs:read"] });
  const answers = await Promise.all(Array.from({ length: 103 }, ask));
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(100);
  expect(answers.filter(({ status }) => status === 409)).toHaveLength(3);
});

test("lists find tokens by owner, text and state, page by page", async () => {
  const { name } = await service();
  for (const text of ["alpha", "beta", "gamma"])
    await call("POST", `service-accounts/${name}/tokens`, { name: text, scopes: ["jobs:read"] });
  const first = (await call("GET", `tokens?owner=${name}&limit=2`)).body;
  expect(first.items.map((token: { name: string }) => token.name)).toEqual(["gamma", "beta"]);
  const second = (await call("GET", `tokens?owner=${name}&limit=2&cursor=${first.nextCursor}`)).body;
  expect(second.items.map((token: { name: string }) => token.name)).toEqual(["alpha"]);
  expect((await call("GET", `tokens?owner=${name}&q=ALP`)).body.items).toHaveLength(1);
  await call("DELETE", `tokens/${first.items[0].id}`);
  expect((await call("GET", `tokens?owner=${name}&state=ended`)).body.items).toMatchObject([
    { name: "gamma", state: "revoked" },
  ]);
  expect((await call("GET", `tokens?owner=${name}&state=active`)).body.items).toHaveLength(2);
  expect((await call("GET", "tokens?owner=nobody-here")).status).toBe(404);
  const lists = (await call("GET", "service-accounts?q=robot")).body;
  expect(lists.items.find((account: { name: string }) => account.name === name).tokenCount).toBe(2);
  expect(lists.rules).toEqual({ defaultDays: 90, maxDays: 366, servicesMayNeverExpire: false });
});

test("figures for Prometheus come to a token that may read the system, and to no other", async () => {
  const narrow = await make(["jobs:read"]);
  const { headers } = await make(["system:read"]);
  expect((await http.call("GET", "/metrics", undefined, narrow.headers)).status).toBe(403);
  expect((await http.call("GET", "/metrics", undefined, headers)).status).toBe(200);
  expect((await http.call("GET", `/metrics?access_token=${headers.authorization.slice(7)}`)).status).toBe(401);
});

test("asked about oneself with a token, the explainer answers what the token may do, and says so", async () => {
  const owner = await signedIn(t.ctx, http, ["jobs:read", "targets:read", "tokens:own"]);
  const made = await call("POST", "auth/tokens", { name: "narrow", scopes: ["jobs:read"] }, owner.headers);
  const explain = async (permission: string, headers: Headers) =>
    (await call("GET", `access/explain?permission=${permission}`, undefined, headers)).body;
  const bearer = { authorization: `Bearer ${made.body.token}` };
  expect(await explain("targets:read", owner.headers)).toMatchObject({ allowed: true });
  const not = await explain("targets:read", bearer);
  expect(not).toMatchObject({ allowed: false, decidedBy: null, user: owner.username });
  expect(not.sentence).toMatch(/^The API token narrow of .* may not do targets:read: its scopes are only jobs:read/);
  const may = await explain("jobs:read", bearer);
  expect([may.allowed, may.sentence]).toEqual([true, expect.stringContaining("the API token narrow too")]);
});
