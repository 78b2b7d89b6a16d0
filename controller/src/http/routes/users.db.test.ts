import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { ensureBuiltInRoles } from "../../identity/built-in-roles.ts";
import { type TestContext, testContext } from "../../testing/test-context.ts";
import { signedIn, type TestHttp, testHttp } from "../../testing/test-http.ts";

let t: TestContext;
let http: TestHttp;
let admin: { headers: Record<string, string>; userId: string };
beforeAll(async () => {
  t = await testContext();
  http = testHttp(t.ctx);
  await ensureBuiltInRoles(t.ctx);
});
afterAll(() => t.close());
beforeEach(async () => {
  await t.db.owner`update identity.users set active = false`;
  admin = await signedIn(t.ctx, http);
});

let count = 0;
const newName = () => `person-${++count}`;
const call = (method: string, path: string, body?: unknown, headers = admin.headers) =>
  http.call(method, `/api/v1/${path}`, body, headers);
const add = async (roles = ["viewer"]) => {
  const username = newName();
  const answer = await call("POST", "users", { username, roles });
  expect(answer.status).toBe(201);
  return { username, id: answer.body.id as string, token: answer.body.link.token as string };
};
const password = "a river under the hill";
const setPassword = (token: string, newPassword = password) =>
  call("POST", "auth/password-link", { token, newPassword }, {});
const login = (username: string, secret = password) => call("POST", "auth/login", { username, password: secret }, {});
const member = async (roles: string[]) => {
  const user = await add(roles);
  await setPassword(user.token);
  const answer = await login(user.username);
  return { ...user, headers: { authorization: `Bearer ${answer.body.accessToken}` } };
};
const audited = (action: string, id: string) =>
  t.ctx
    .sql`select actor_id, before, after, detail from communication.audit where action = ${action} and object_id = ${id}`;

test("a new user sets the first password with the link, once, and has the role's permissions", async () => {
  const { username, id, token } = await add(["operator"]);
  expect((await login(username)).status).toBe(401);
  expect((await setPassword(token, "short")).status).toBe(400);
  expect((await setPassword(token, `${username}1234`)).body.errors[0].path).toBe("newPassword");
  expect((await setPassword(token)).status).toBe(204);
  expect((await setPassword(token, "another long password")).status).toBe(404);
  const answer = await login(username);
  expect(answer.body.user).toMatchObject({ username, roles: ["operator"], mustChangePassword: false });
  expect(answer.body.user.permissions).toContain("jobs:execute");
  expect(answer.body.user.permissions).not.toContain("jobs:write");
  expect(await audited("user.created", id)).toMatchObject([{ actorId: admin.userId, after: { roles: ["operator"] } }]);
  expect(await audited("user.password_set_by_link", id)).toMatchObject([{ detail: { kind: "invitation" } }]);
  expect(JSON.stringify(await t.ctx.sql`select * from communication.audit`)).not.toContain(token);
});

test("a name that would be looked for as an id, and an address that is none, are refused in words", async () => {
  const error = async (more: object) =>
    (await call("POST", "users", { username: newName(), roles: [], ...more })).body.errors?.[0];
  expect(await error({ username: admin.userId.toUpperCase() })).toEqual({
    path: "username",
    message: expect.stringContaining("written like an id"),
  });
  expect(await error({ email: "nobody" })).toEqual({
    path: "email",
    message: expect.stringContaining("an e-mail address like"),
  });
});

test("of twenty who use one link at once, one sets the password", async () => {
  const { token } = await add();
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) => setPassword(token, `river number ${i} of many`)),
  );
  expect(answers.map((a) => a.status).sort()).toEqual([204, ...Array(19).fill(404)]);
});

test("a link says whether it still works, and is as good as before", async () => {
  const { token } = await add();
  const check = (text: string) => call("POST", "auth/password-link/check", { token: text }, {});
  for (let times = 0; times < 2; times++) {
    const answer = await check(token);
    expect([answer.status, answer.body]).toEqual([200, { kind: "invitation" }]);
  }
  expect((await setPassword(token)).status).toBe(204);
  const used = await check(token);
  expect([used.status, used.body.detail]).toEqual([404, (await check("no link at all")).body.detail]);
  const gone = await add();
  await call("PATCH", `users/${gone.id}`, { active: false });
  expect((await check(gone.token)).status).toBe(404);
});

test("a link is worthless when it is too old, when a newer one was made, and when the user is not active", async () => {
  const one = await add();
  const reset = await call("POST", `users/${one.username}/password-link`);
  expect(reset.body.kind).toBe("invitation");
  expect((await setPassword(one.token)).status).toBe(404);
  await t.db.owner`update identity.password_links set expires_at = now() - interval '1 second'`;
  expect((await setPassword(reset.body.token)).status).toBe(404);
  const two = await add();
  await call("PATCH", `users/${two.id}`, { active: false });
  expect((await setPassword(two.token)).status).toBe(404);
  expect((await call("POST", `users/${two.id}/password-link`)).status).toBe(409);
});

test("a link does not outgrow its maker: not after the user got more rights than that one has, nor after that one lost them", async () => {
  const manager = await member(["manager"]);
  const asManager = (path: string) => call("POST", path, undefined, manager.headers);
  const [grown, kept, left] = [await add(), await add(), await add()];
  const linkOf = async (user: { id: string }) =>
    (await asManager(`users/${user.id}/password-link`)).body.token as string;
  const [outgrown, good, orphaned] = [await linkOf(grown), await linkOf(kept), await linkOf(left)];
  await call("PATCH", `users/${grown.id}`, { roles: ["admin"] });
  expect((await setPassword(outgrown)).status).toBe(404);
  expect((await setPassword(good)).status).toBe(204);
  await call("PATCH", `users/${manager.id}`, { active: false });
  expect((await setPassword(orphaned)).status).toBe(404);
});

test("a reset ends every session of the user", async () => {
  const user = await member(["viewer"]);
  const { body } = await call("POST", `users/${user.id}/password-link`);
  expect(body.kind).toBe("reset");
  expect((await call("GET", "auth/me", undefined, user.headers)).status).toBe(200);
  expect((await setPassword(body.token, "a new river under it")).status).toBe(204);
  expect((await call("GET", "auth/me", undefined, user.headers)).status).toBe(401);
});

test("who is deactivated is out at once and cannot sign in; the account and its history stay", async () => {
  const user = await member(["viewer"]);
  const changed = await call("PATCH", `users/${user.username}`, { active: false });
  expect(changed.body).toMatchObject({ active: false, username: user.username });
  expect((await call("GET", "auth/me", undefined, user.headers)).status).toBe(401);
  expect((await login(user.username)).status).toBe(401);
  expect(await audited("user.updated", user.id)).toMatchObject([
    { before: { active: true }, after: { active: false } },
  ]);
  await call("PATCH", `users/${user.username}`, { active: true });
  expect((await call("GET", "auth/me", undefined, user.headers)).status).toBe(401);
  expect((await login(user.username)).status).toBe(200);
});

test("the last one who may do everything stays", async () => {
  const refused = await call("PATCH", `users/${admin.userId}`, { roles: ["viewer"] });
  expect([refused.status, refused.body.code]).toEqual([409, "failed_precondition"]);
  expect((await call("PATCH", `users/${admin.userId}`, { active: false })).status).toBe(409);
  const waiting = await add(["admin"]); // has no password yet: cannot sign in
  expect((await call("PATCH", `users/${admin.userId}`, { roles: ["viewer"] })).status).toBe(409);
  await setPassword(waiting.token);
  expect((await call("PATCH", `users/${admin.userId}`, { roles: ["viewer"] })).status).toBe(200);
});

test("two administrators who take the role from each other at once do not both succeed", async () => {
  const other = await member(["admin"]);
  const answers = await Promise.all([
    call("PATCH", `users/${other.id}`, { roles: ["viewer"] }),
    call("PATCH", `users/${admin.userId}`, { roles: ["viewer"] }, other.headers),
  ]);
  expect(answers.map((a) => a.status).sort()).toEqual([200, 409]);
});

test("nobody gives away or touches rights above their own", async () => {
  const manager = await member(["manager"]);
  const as = (method: string, path: string, body?: unknown) => call(method, path, body, manager.headers);
  expect((await as("POST", "users", { username: newName(), roles: ["admin"] })).body.detail).toContain(
    "all permissions",
  );
  expect((await as("PATCH", `users/${manager.id}`, { roles: ["admin"] })).status).toBe(403);
  const above = await as("PATCH", `users/${admin.userId}`, { email: "a@example.org" });
  expect(above.body.detail).toMatch(/ may do more than you: all permissions, .* can grant it\. The roles admin/);
  expect(above.body.missing).toMatchObject({ permission: "*", roles: expect.arrayContaining(["admin"]) });
  expect(above.body.missing.givers.length).toBeGreaterThan(0);
  for (const [method, path, body] of [
    ["POST", `users/${admin.userId}/password-link`, undefined],
    ["PATCH", `users/${admin.userId}`, { email: "a@example.org" }],
  ] as const)
    expect((await as(method, path, body)).status).toBe(403);
  const own = await call("GET", "auth/sessions");
  expect((await as("DELETE", `users/${admin.userId}/sessions/${own.body.items[0].id}`)).status).toBe(403);
  expect((await as("POST", "users", { username: newName(), roles: ["operator"] })).status).toBe(201);
});

test("sessions are listed with where and when, and ended one by one", async () => {
  const user = await member(["viewer"]);
  await login(user.username);
  const { body } = await call("GET", "auth/sessions", undefined, user.headers);
  expect(body.items).toHaveLength(2);
  expect(body.items.filter((s: { current: boolean }) => s.current)).toHaveLength(1);
  const other = body.items.find((s: { current: boolean }) => !s.current).id;
  expect((await call("DELETE", `auth/sessions/${other}`, undefined, user.headers)).status).toBe(204);
  expect((await call("DELETE", `auth/sessions/${other}`, undefined, user.headers)).status).toBe(404);
  const [left] = (await call("GET", `users/${user.username}/sessions`)).body.items;
  expect((await call("DELETE", `users/${user.username}/sessions/${left.id}`)).status).toBe(204);
  expect((await call("GET", "auth/me", undefined, user.headers)).status).toBe(401);
  expect(await audited("session.ended", user.id)).toHaveLength(2);
});

test("nobody ends a session of another user by its id alone", async () => {
  const [one, two] = [await member(["viewer"]), await member(["viewer"])];
  const { body } = await call("GET", "auth/sessions", undefined, one.headers);
  expect((await call("DELETE", `auth/sessions/${body.items[0].id}`, undefined, two.headers)).status).toBe(404);
  expect((await call("GET", "auth/me", undefined, one.headers)).status).toBe(200);
});

test("names are taken whatever their case, unknown roles are named, stale changes are refused", async () => {
  const { username, id } = await add();
  const taken = await call("POST", "users", { username: username.toUpperCase(), roles: ["viewer"] });
  expect([taken.status, taken.body.errors[0].path]).toEqual([409, "username"]);
  const unknown = await call("POST", "users", { username: newName(), roles: ["king"] });
  expect(unknown.body).toMatchObject({ status: 400, detail: "roles: there is no role king" });
  const grant = await call("POST", `users/${admin.userId}/grants`, { role: "king", scope: { kind: "job", job: "x" } });
  expect(grant.body.errors).toEqual([{ path: "role", message: "there is no role king" }]);
  const { headers } = await call("GET", `users/${id}`);
  const match = { ...admin.headers, "if-match": headers.get("etag")! };
  expect((await call("PATCH", `users/${id}`, { displayName: "One" }, match)).status).toBe(200);
  expect((await call("PATCH", `users/${id}`, { displayName: "Two" }, match)).status).toBe(412);
  expect((await call("PATCH", `users/${id}`, {})).status).toBe(200);
});

test("the list is found by name, mail and state, and paged; roles tell what they may do", async () => {
  const { username } = await add();
  await call("PATCH", `users/${username}`, { email: "someone@example.org", displayName: "Some One" });
  const names = async (query: string) =>
    (await call("GET", `users?${query}`)).body.items.map((u: { username: string }) => u.username);
  expect(await names("q=SOMEONE@example")).toEqual([username]);
  expect(await names("q=some one")).toEqual([username]);
  expect(await names("active=false&q=someone")).toEqual([]);
  const first = await call("GET", "users?limit=1");
  const second = await call("GET", `users?limit=1&cursor=${first.body.nextCursor}`);
  expect(second.body.items[0].username.toLowerCase() > first.body.items[0].username.toLowerCase()).toBe(true);
  const roles = await call("GET", "roles");
  const builtIn = roles.body.items.filter((r: { builtIn: boolean }) => r.builtIn);
  expect(builtIn.map((r: { name: string }) => r.name)).toEqual(["admin", "manager", "operator", "developer", "viewer"]);
});
