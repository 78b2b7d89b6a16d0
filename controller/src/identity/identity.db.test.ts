// Sign-in, refresh, sign-out and the first account, through the routes as browsers use them.
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type TestContext, testContext } from "../testing/test-context.ts";
import { signedIn, type TestHttp, testHttp } from "../testing/test-http.ts";
import { createAdministrator } from "./create-administrator.ts";
import { createIdentity } from "./identity.ts";
import { loadSigningKey } from "./signing-key.ts";

let t: TestContext;
let http: TestHttp;
beforeAll(async () => {
  t = await testContext();
  http = testHttp(t.ctx);
});
afterAll(() => t.close());
beforeEach(() => {
  t.setNow(new Date());
  Object.assign(t.ctx.identity, createIdentity(t.ctx.identity.signingKey)); // failures of other tests are forgotten
});

const later = (ms: number) => t.setNow(new Date(t.ctx.now().getTime() + ms));
const login = (username: string, password: string) => http.call("POST", "/api/v1/auth/login", { username, password });
const refresh = (cookie: string, headers: Record<string, string> = {}) =>
  http.call("POST", "/api/v1/auth/refresh", undefined, { cookie, ...headers });
const me = (headers: Record<string, string>) => http.call("GET", "/api/v1/auth/me", undefined, headers);
const audited = (action: string) =>
  t.ctx.sql`select * from communication.audit where action = ${action} order by id desc limit 1`.then(
    (rows) => rows[0],
  );

test("signing in gives an access token that works, and a cookie that no script can read", async () => {
  const { username, password, userId } = await signedIn(t.ctx, http);
  const response = await http.app.request("/api/v1/auth/login", {
    method: "POST",
    body: JSON.stringify({ username: username.toUpperCase(), password }),
    headers: { "content-type": "application/json", "user-agent": "test" },
  });
  const cookie = response.headers.get("set-cookie")!;
  expect(cookie).toMatch(/^oc_refresh=[\w-]{43}; .*HttpOnly; SameSite=Strict/);
  expect(cookie).not.toContain("Secure");
  const body = (await response.json()) as { accessToken: string; expiresIn: number };
  expect(body).toMatchObject({ expiresIn: 600, user: { id: userId, permissions: ["*"], mustChangePassword: false } });
  expect((await me({ authorization: `Bearer ${body.accessToken}` })).body.username).toBe(username);
  expect(await audited("user.signed_in")).toMatchObject({ actorId: userId, outcome: "ok" });
});

test("under TLS the cookie is bound to the host and marked secure", async () => {
  const secure = testHttp({
    ...t.ctx,
    config: { ...t.ctx.config, publicUrl: "https://ops.example.org" },
    metrics: new (await import("prom-client")).Registry(),
  });
  const { username, password } = await signedIn(t.ctx, http);
  const { headers } = await secure.call("POST", "/api/v1/auth/login", { username, password });
  expect(headers.get("set-cookie")).toMatch(/^__Host-oc_refresh=.*Path=\/;.*Secure/);
  expect(headers.get("strict-transport-security")).toContain("max-age=");
});

test("a wrong password, an unknown user and a disabled one get the same answer, and the audit log knows which", async () => {
  const { username, password, userId } = await signedIn(t.ctx, http);
  const wrong = await login(username, "not the password");
  const unknown = await login("nobody-at-all", "not the password");
  await t.ctx.sql`update identity.users set active = false where id = ${userId}`;
  const disabled = await login(username, password);
  const told = [wrong, unknown, disabled].map(({ status, body }) => [status, body.code, body.detail]);
  expect(new Set(told.map(String)).size).toBe(1);
  expect(told[0]).toEqual([401, "unauthenticated", "The user name or the password is wrong."]);
  expect(await audited("user.sign_in_refused")).toMatchObject({ outcome: "refused", detail: { why: "disabled" } });
  const rows = await t.ctx.sql`select * from communication.audit where action = 'user.sign_in_refused'`;
  expect(JSON.stringify(rows)).not.toContain("nobody-at-all");
});

test("an unknown user takes as long as a wrong password", async () => {
  const { username } = await signedIn(t.ctx, http);
  const time = async (name: string) => {
    const started = performance.now();
    await login(name, "not the password");
    return performance.now() - started;
  };
  await time("warm-up");
  const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
  const known: number[] = [];
  const unknown: number[] = [];
  for (let i = 0; i < 7; i++) {
    known.push(await time(username));
    unknown.push(await time(`unknown-${i}`));
  }
  const ratio = median(known) / median(unknown);
  expect(ratio).toBeGreaterThan(0.4);
  expect(ratio).toBeLessThan(2.5);
});

test("after eight wrong passwords the right one has to wait too, and the answer says how long", async () => {
  const { username, password } = await signedIn(t.ctx, http);
  for (let i = 0; i < 8; i++) expect((await login(username, "wrong")).status).toBe(401);
  const answer = await login(username, password);
  expect([answer.status, answer.body.code]).toEqual([429, "rate_limited"]);
  expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(500);
});

test("wrong passwords that arrive all at once are counted like those that come one by one", async () => {
  const { username } = await signedIn(t.ctx, http);
  const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => login(username, `wrong ${i}`)));
  expect(answers.filter((a) => a.status === 401)).toHaveLength(8);
  expect(answers.filter((a) => a.status === 429)).toHaveLength(32);
});

test("a refresh gives a new token and a new cookie; the old cookie is good no more", async () => {
  const { cookie } = await signedIn(t.ctx, http);
  const next = await refresh(cookie);
  expect(next.status).toBe(200);
  expect(next.cookie).not.toBe(cookie);
  expect((await me({ authorization: `Bearer ${next.body.accessToken}` })).status).toBe(200);
});

test("two tabs that refresh at once both go on", async () => {
  const { cookie } = await signedIn(t.ctx, http);
  const [a, b] = await Promise.all([refresh(cookie), refresh(cookie)]);
  expect([a.status, b.status]).toEqual([200, 200]);
  expect(a.cookie).toBe(b.cookie);
  expect((await refresh(a.cookie!)).status).toBe(200);
});

test("a tab that comes late is given the newest token, however often another went on", async () => {
  const { cookie } = await signedIn(t.ctx, http);
  const second = await refresh((await refresh(cookie)).cookie!);
  later(9_000);
  const late = await refresh(cookie);
  expect([late.status, late.cookie]).toEqual([200, second.cookie]);
  later(60_000);
  expect((await refresh(late.cookie!)).status).toBe(200);
});

test("a thief within the grace shares the owner's line, and shows when both have gone on", async () => {
  const { cookie, headers } = await signedIn(t.ctx, http);
  const [owner, thief] = [await refresh(cookie), await refresh(cookie)];
  later(60_000);
  expect((await refresh(owner.cookie!)).status).toBe(200);
  later(60_000);
  expect((await refresh(thief.cookie!)).status).toBe(401);
  expect((await me(headers)).status).toBe(401);
});

test("what the database keeps of a session does not make its tokens", async () => {
  const { cookie } = await signedIn(t.ctx, http);
  const next = (await refresh(cookie)).cookie!.split("=")[1]!;
  const rows = JSON.stringify(await t.ctx.sql`select * from identity.refresh_tokens`);
  expect(rows).not.toContain(next);
  expect(rows).not.toContain(JSON.stringify(Buffer.from(next, "base64url")));
});

test("a used refresh token that comes after its grace ends the session for thief and owner", async () => {
  const { cookie, headers, userId } = await signedIn(t.ctx, http);
  const next = await refresh(cookie);
  later(10_001);
  const stolen = await refresh(cookie);
  expect([stolen.status, stolen.body.code]).toEqual([401, "unauthenticated"]);
  expect((await refresh(next.cookie!)).status).toBe(401);
  expect((await me(headers)).status).toBe(401);
  expect(await audited("session.refresh_token_reused")).toMatchObject({ outcome: "refused", objectKind: "session" });
  const [session] = await t.ctx.sql`select revoked_reason from identity.sessions where user_id = ${userId}`;
  expect(session!.revokedReason).toBe("refresh_token_reused");
});

test("a used refresh token from another device is theft even within the grace", async () => {
  const { cookie } = await signedIn(t.ctx, http);
  await refresh(cookie);
  expect((await refresh(cookie, { "user-agent": "another browser" })).status).toBe(401);
});

test("a refresh token that was never given out, or none, is refused without harm to anybody", async () => {
  const { headers } = await signedIn(t.ctx, http);
  for (const cookie of ["oc_refresh=forged", "oc_refresh=", "other=1"])
    expect((await refresh(cookie)).status).toBe(401);
  expect((await me(headers)).status).toBe(200);
});

test("signing out with the access token alone ends its session; with one that is none it harms nobody", async () => {
  const { headers, cookie } = await signedIn(t.ctx, http);
  const forged = { authorization: "Bearer forged" };
  expect((await http.call("POST", "/api/v1/auth/logout", undefined, forged)).status).toBe(204);
  expect((await me(headers)).status).toBe(200);
  expect((await http.call("POST", "/api/v1/auth/logout", undefined, headers)).status).toBe(204);
  expect([(await me(headers)).status, (await refresh(cookie)).status]).toEqual([401, 401]);
});

test("a session ends after twelve idle hours and after seven days in any case", async () => {
  const idle = await signedIn(t.ctx, http);
  later(12 * 3_600_000 + 1);
  expect((await refresh(idle.cookie)).status).toBe(401);
  const busy = await signedIn(t.ctx, http);
  let cookie = busy.cookie;
  for (let hour = 0; hour < 7 * 24; hour += 11) {
    const answer = await refresh(cookie);
    expect(answer.status).toBe(200);
    cookie = answer.cookie!;
    later(11 * 3_600_000);
  }
  expect((await refresh(cookie)).status).toBe(401);
});

test("an access token expires after ten minutes and says that refreshing helps", async () => {
  const { headers } = await signedIn(t.ctx, http);
  later(601_000);
  const answer = await me(headers);
  expect([answer.status, answer.body.detail]).toEqual([401, "The access token has expired: refresh it."]);
});

test("tokens that are forged, altered or unsigned are refused", async () => {
  const { headers } = await signedIn(t.ctx, http);
  const token = headers.authorization.slice("Bearer ".length);
  const [header, payload, signature] = token.split(".") as [string, string, string];
  const none = Buffer.from('{"alg":"none","typ":"at+jwt"}').toString("base64url");
  const forged = [`${none}.${payload}.`, `${none}.${payload}.${signature}`, `${header}.${payload}.AAAA`, "x", "a.b.c"];
  const other = testHttp({
    ...t.ctx,
    identity: createIdentity(Buffer.alloc(32, 9)),
    metrics: new (await import("prom-client")).Registry(),
  });
  forged.push((await signedIn(t.ctx, other)).headers.authorization.slice("Bearer ".length));
  for (const bad of forged) expect((await me({ authorization: `Bearer ${bad}` })).status).toBe(401);
  expect((await me({ authorization: `Basic ${token}` })).status).toBe(401);
});

test("signing out ends the session at once, also without a living access token", async () => {
  const { cookie, headers } = await signedIn(t.ctx, http);
  const answer = await http.call("POST", "/api/v1/auth/logout", undefined, { cookie });
  expect(answer.status).toBe(204);
  expect(answer.headers.get("set-cookie")).toMatch(/oc_refresh=; Max-Age=0/);
  expect((await me(headers)).status).toBe(401);
  expect((await refresh(cookie)).status).toBe(401);
  expect((await http.call("POST", "/api/v1/auth/logout", undefined, { cookie })).status).toBe(204);
  expect(await audited("user.signed_out")).toMatchObject({ actorKind: "user" });
});

test("a session revoked or a user disabled elsewhere is noticed by itself", async () => {
  for (const statement of [
    "update identity.sessions set revoked_at = now()",
    "update identity.users set active = false",
  ]) {
    const { headers, userId } = await signedIn(t.ctx, http);
    expect((await me(headers)).status).toBe(200);
    const column = statement.includes("sessions") ? "user_id" : "id";
    await t.db.owner.unsafe(`${statement} where ${column} = '${userId}'`);
    await expect.poll(async () => (await me(headers)).status, { timeout: 10_000, interval: 50 }).toBe(401);
  }
});

test("permissions are those of this moment, not of the sign-in", async () => {
  const { headers, userId } = await signedIn(t.ctx, http, ["system:read"]);
  expect((await http.call("GET", "/api/v1/system", undefined, headers)).status).toBe(200);
  await t.ctx.sql`delete from identity.user_roles where user_id = ${userId}`;
  await expect
    .poll(async () => (await http.call("GET", "/api/v1/system", undefined, headers)).status, { timeout: 2000 })
    .toBe(403);
});

test("until the first password is changed only that, and who one is, can be asked", async () => {
  const { headers, password, username, cookie } = await signedIn(t.ctx, http, ["*"], { mustChangePassword: true });
  const refused = await http.call("GET", "/api/v1/system", undefined, headers);
  expect([refused.status, refused.body.code]).toEqual([403, "password_change_required"]);
  expect((await http.call("GET", "/api/v1/events?topics=agents", undefined, headers)).status).toBe(403);
  expect((await me(headers)).body.mustChangePassword).toBe(true);
  const change = { currentPassword: password, newPassword: "four sparrows at dusk" };
  expect((await http.call("POST", "/api/v1/auth/password", change, headers)).status).toBe(204);
  expect((await http.call("GET", "/api/v1/system", undefined, headers)).status).toBe(200);
  expect((await refresh(cookie)).body.user.mustChangePassword).toBe(false);
  expect((await login(username, password)).status).toBe(401);
  expect((await login(username, "four sparrows at dusk")).status).toBe(200);
  expect(await audited("user.password_changed")).toMatchObject({ objectName: username });
});

test("a password change ends the user's other sessions and keeps the own", async () => {
  const mine = await signedIn(t.ctx, http);
  const other = await login(mine.username, mine.password);
  const change = { currentPassword: mine.password, newPassword: "four sparrows at dusk" };
  await http.call("POST", "/api/v1/auth/password", change, mine.headers);
  expect((await me({ authorization: `Bearer ${other.body.accessToken}` })).status).toBe(401);
  expect((await me(mine.headers)).status).toBe(200);
});

test("weak, known and unchanged passwords are refused at their field", async () => {
  const { headers, password, username } = await signedIn(t.ctx, http);
  for (const newPassword of ["short", "password1234", `${username}1`, password, "aaaaaaaaaaaa"]) {
    const answer = await http.call(
      "POST",
      "/api/v1/auth/password",
      { currentPassword: password, newPassword },
      headers,
    );
    expect([newPassword, answer.status, answer.body.errors?.[0].path]).toEqual([newPassword, 400, "newPassword"]);
  }
  const wrong = { currentPassword: "not the password", newPassword: "four sparrows at dusk" };
  const answer = await http.call("POST", "/api/v1/auth/password", wrong, headers);
  expect([answer.status, answer.body.errors[0].path]).toEqual([400, "currentPassword"]);
});

test("the first account is made once, with a random password told once, however many start at once", async () => {
  const fresh = await testContext();
  const told: string[] = [];
  await Promise.all([1, 2, 3].map(() => createAdministrator(fresh.ctx, (password) => told.push(password))));
  expect(told).toHaveLength(1);
  expect(told[0]).toMatch(/^[a-z2-9]{5}(-[a-z2-9]{5}){3}$/);
  const answer = await testHttp(fresh.ctx).call("POST", "/api/v1/auth/login", { username: "admin", password: told[0] });
  expect(answer.body.user).toMatchObject({ roles: ["admin"], permissions: ["*"], mustChangePassword: true });
  await createAdministrator(fresh.ctx, (password) => told.push(password));
  expect(told).toHaveLength(1);
  await fresh.close();
});

test("an administrator's password given by the configuration is not printed and need not be changed", async () => {
  const fresh = await testContext({ adminPassword: "given by the operator" });
  await createAdministrator(fresh.ctx, () => expect.unreachable());
  const answer = await testHttp(fresh.ctx).call("POST", "/api/v1/auth/login", {
    username: "admin",
    password: "given by the operator",
  });
  expect(answer.body.user.mustChangePassword).toBe(false);
  await fresh.close();
});

test("a password of the configuration is held to the same rules, and the start says so", async () => {
  const fresh = await testContext({ adminPassword: "Password!2026" });
  const refused = createAdministrator(fresh.ctx, () => expect.unreachable());
  await expect(refused).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringContaining("OC_ADMIN_PASSWORD is refused"),
  });
  await fresh.close();
});

test("controllers that share a database share the signing key, which is not readable in it", async () => {
  const [a, b] = await Promise.all([loadSigningKey(t.ctx), loadSigningKey(t.ctx)]);
  expect(Buffer.from(a).equals(Buffer.from(b))).toBe(true);
  const [row] = await t.ctx.sql<{ keySealed: Buffer }[]>`select key_sealed from identity.signing_keys`;
  expect(row!.keySealed.includes(Buffer.from(a))).toBe(false);
});

test("nothing that was typed or issued as a secret is in the database in clear", async () => {
  const { password, cookie, headers } = await signedIn(t.ctx, http);
  const tables = ["identity.users", "identity.sessions", "identity.refresh_tokens", "communication.audit"];
  const rows = await Promise.all(tables.map((table) => t.db.owner.unsafe(`select t::text from ${table} t`)));
  const everything = JSON.stringify(rows);
  for (const secret of [password, cookie.split("=")[1]!, headers.authorization.slice(7)])
    expect(everything).not.toContain(secret);
});
