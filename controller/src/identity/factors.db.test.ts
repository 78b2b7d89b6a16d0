// Second factors through the routes: setting one up, signing in with it, losing it, and what an attacker with the password
// tries.
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type TestContext, testContext } from "../testing/test-context.ts";
import { signedIn, type TestHttp, testHttp } from "../testing/test-http.ts";
import { createIdentity } from "./identity.ts";
import { codeAt } from "./totp.ts";

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

const later = (seconds: number) => t.setNow(new Date(t.ctx.now().getTime() + seconds * 1000));
const login = (username: string, password: string, otp?: string) =>
  http.call("POST", "/api/v1/auth/login", { username, password, ...(otp ? { otp } : {}) });
const sendCode = (challenge: string, code: string) => http.call("POST", "/api/v1/auth/login/code", { challenge, code });
const audited = (userId: string) =>
  t.ctx.sql<{ action: string; detail: { why?: string; methods?: string[] } }[]>`
    select action, detail from communication.audit where object_id = ${userId} order by id`;

/** Somebody with an authenticator app; the clock is past the code that confirmed it. */
async function withTotp(permissions?: string[]) {
  const user = await signedIn(t.ctx, http, permissions);
  const { body } = await http.call("POST", "/api/v1/auth/factors/totp", undefined, user.headers);
  const seed = Buffer.from(
    [...(body.secret as string)]
      .map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0"))
      .join("")
      .match(/.{8}/g)!
      .map((bits) => Number.parseInt(bits, 2)),
  );
  const code = () => codeAt(seed, t.ctx.now());
  const confirmed = await http.call("POST", "/api/v1/auth/factors/totp/confirm", { code: code() }, user.headers);
  expect(confirmed.status).toBe(200);
  later(60);
  return { ...user, code, seed, recovery: confirmed.body.codes as string[] };
}

async function challengeOf({ username, password }: { username: string; password: string }): Promise<string> {
  const answer = await login(username, password);
  expect([answer.status, answer.body.code]).toEqual([401, "second_factor_required"]);
  return answer.body.proof.challenge;
}

test("with an authenticator app, the password alone opens nothing and the code of the app does", async () => {
  const user = await withTotp();
  const answer = await login(user.username, user.password);
  expect(answer).toMatchObject({ status: 401, cookie: undefined, body: { code: "second_factor_required" } });
  expect(answer.body.accessToken).toBe(undefined);
  expect(answer.body.proof.methods).toEqual(["totp", "recovery"]);
  const signed = await sendCode(answer.body.proof.challenge, user.code());
  expect([signed.status, signed.body.user.factors]).toEqual([200, ["totp"]]);
  expect(signed.cookie).toMatch(/^oc_refresh=/);
  expect((await audited(user.userId)).at(-1)).toMatchObject({
    action: "user.signed_in",
    detail: { methods: ["password", "totp"] },
  });
});

test("programs send the code along with the password", async () => {
  const user = await withTotp();
  expect((await login(user.username, user.password, user.code())).status).toBe(200);
  later(60);
  expect((await login(user.username, "wrong password", user.code())).body.detail).toContain(
    "user name or the password",
  );
  const wrong = await login(user.username, user.password, "000000");
  expect([wrong.body.detail, wrong.body.errors]).toEqual([
    expect.stringMatching(/^otp: wrong/),
    [{ path: "otp", message: expect.stringMatching(/^wrong/) }],
  ]);
  const original = await http.call("POST", "/auth/login", { ...user, otp: user.code() });
  expect([original.status, typeof original.body.access_token]).toEqual([200, "string"]);
});

test("a code that was used is refused, also its neighbour before, and the next one is good", async () => {
  const user = await withTotp();
  const code = user.code();
  const before = codeAt(user.seed, new Date(t.ctx.now().getTime() - 30_000));
  expect((await sendCode(await challengeOf(user), code)).status).toBe(200);
  const again = await challengeOf(user);
  expect((await sendCode(again, code)).body).toMatchObject({ code: "invalid_argument", errors: [{ path: "code" }] });
  expect((await sendCode(again, before)).status).toBe(400);
  later(30);
  expect((await sendCode(again, user.code())).status).toBe(200);
});

test("of two who send one code at once, one gets in", async () => {
  const user = await withTotp();
  const challenges = [await challengeOf(user), await challengeOf(user)];
  const answers = await Promise.all(challenges.map((challenge) => sendCode(challenge, user.code())));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 400]);
});

test("a challenge is good for one sign-in, for five minutes, and not after the password changed", async () => {
  const user = await withTotp();
  const used = await challengeOf(user);
  expect((await sendCode(used, user.code())).status).toBe(200);
  later(60);
  expect((await sendCode(used, user.code())).body.code).toBe("unauthenticated");
  const old = await challengeOf(user);
  later(301);
  expect((await sendCode(old, user.code())).status).toBe(401);
  const changed = await challengeOf(user);
  const body = { currentPassword: user.password, newPassword: "another long sentence" };
  expect((await http.call("POST", "/api/v1/auth/password", body, user.headers)).status).toBe(204);
  expect((await sendCode(changed, user.code())).status).toBe(401);
  expect((await sendCode("made-up", user.code())).status).toBe(401);
});

test("wrong codes end the challenge after five and slow the account down after seven, wherever they come from", async () => {
  const user = await withTotp();
  let challenge = await challengeOf(user);
  for (let i = 0; i < 5; i++) expect((await sendCode(challenge, "000000")).status).toBe(400);
  expect((await sendCode(challenge, user.code())).status).toBe(401);
  challenge = await challengeOf(user);
  for (let i = 0; i < 3; i++) expect((await sendCode(challenge, "000000")).status).toBe(400);
  const blocked = await sendCode(challenge, user.code());
  expect([blocked.status, blocked.headers.get("retry-after")]).toEqual([429, "60"]);
  expect((await login(user.username, user.password, user.code())).status).toBe(429);
  later(61);
  expect((await sendCode(challenge, "111111")).status).toBe(400);
  expect((await sendCode(challenge, user.code())).headers.get("retry-after")).toBe("120");
  later(121);
  expect((await sendCode(challenge, user.code())).status).toBe(200);
  expect((await audited(user.userId)).filter(({ detail }) => detail.why === "codes_blocked")).toHaveLength(3);
});

test("wrong codes that arrive all at once are counted like those that come one by one", async () => {
  const user = await withTotp();
  const challenges = await Promise.all(Array.from({ length: 4 }, () => challengeOf(user)));
  const tries = Array.from({ length: 20 }, (_, i) => sendCode(challenges[i % 4]!, "000000"));
  const answers = (await Promise.all(tries)).map(({ status }) => status);
  expect(answers.filter((status) => status === 400)).toHaveLength(8);
});

test("a recovery code works once, also when two use it at once, and however it is typed", async () => {
  const user = await withTotp();
  expect(new Set(user.recovery).size).toBe(10);
  const [first, second] = user.recovery as [string, string];
  const challenges = [await challengeOf(user), await challengeOf(user)];
  const answers = await Promise.all(challenges.map((challenge) => sendCode(challenge, first)));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 400]);
  const typed = second.toUpperCase().replaceAll("-", " ").replaceAll("1", "l").replaceAll("0", "O");
  expect((await sendCode(await challengeOf(user), typed)).status).toBe(200);
  const { body } = await http.call("GET", "/api/v1/auth/factors", undefined, user.headers);
  expect(body.recoveryCodesLeft).toBe(8);
});

test("a recovery code of one user is worth nothing for another, and its row neither", async () => {
  const [ann, bob] = [await withTotp(), await withTotp()];
  expect((await sendCode(await challengeOf(bob), ann.recovery[0]!)).status).toBe(400);
  await t.ctx.sql`delete from identity.recovery_codes where user_id = ${bob.userId}`;
  await t.ctx.sql`update identity.recovery_codes set user_id = ${bob.userId} where user_id = ${ann.userId}`;
  expect((await sendCode(await challengeOf(bob), ann.recovery[1]!)).status).toBe(400);
});

test("what the database holds shows neither seeds nor recovery codes", async () => {
  const user = await withTotp();
  const rows = await t.ctx.sql`select seed_sealed from identity.totp_factors where user_id = ${user.userId}`;
  expect(rows[0]!.seedSealed.includes(user.seed)).toBe(false);
  const audit = JSON.stringify(await t.ctx.sql`select * from communication.audit`);
  for (const code of user.recovery) expect(audit).not.toContain(code);
});

test("new recovery codes replace the old ones", async () => {
  const user = await withTotp();
  const { body, status } = await http.call("POST", "/api/v1/auth/factors/recovery-codes", undefined, user.headers);
  expect([status, body.codes.length]).toEqual([201, 10]);
  const challenge = await challengeOf(user);
  expect((await sendCode(challenge, user.recovery[0]!)).status).toBe(400);
  expect((await sendCode(challenge, body.codes[0])).status).toBe(200);
});

test("an app counts only once a code has confirmed it, and a second setup does not replace it", async () => {
  const user = await signedIn(t.ctx, http);
  await http.call("POST", "/api/v1/auth/factors/totp", undefined, user.headers);
  expect((await login(user.username, user.password)).status).toBe(200);
  const wrong = await http.call("POST", "/api/v1/auth/factors/totp/confirm", { code: "123456" }, user.headers);
  expect(wrong.body).toMatchObject({ code: "invalid_argument", errors: [{ path: "code" }] });
  const other = await withTotp();
  expect((await http.call("POST", "/api/v1/auth/factors/totp", undefined, other.headers)).status).toBe(409);
});

test("a role that requires a second factor lets nobody do anything else before there is one", async () => {
  const admin = await signedIn(t.ctx, http);
  const user = await signedIn(t.ctx, http, ["targets:read"]);
  const [role] = await t.ctx.sql`select r.name from identity.roles r join identity.user_roles ur on ur.role_id = r.id
    where ur.user_id = ${user.userId}`;
  const path = `/api/v1/roles/${role!.name}/mfa`;
  expect((await http.call("PUT", path, { required: true }, user.headers)).status).toBe(403);
  expect((await http.call("PUT", path, { required: true }, admin.headers)).status).toBe(204);
  const refused = await http.call("GET", "/api/v1/targets", undefined, user.headers);
  expect([refused.status, refused.body.code]).toEqual([403, "second_factor_setup_required"]);
  const me = await http.call("GET", "/api/v1/auth/me", undefined, user.headers);
  expect(me.body).toMatchObject({ mustSetUpFactor: true, factors: [] });
  const { body } = await http.call("POST", "/api/v1/auth/factors/totp", undefined, user.headers);
  const code = new (await import("otpauth")).TOTP({ secret: body.secret }).generate({
    timestamp: t.ctx.now().getTime(),
  });
  expect((await http.call("POST", "/api/v1/auth/factors/totp/confirm", { code }, user.headers)).status).toBe(200);
  expect((await http.call("GET", "/api/v1/targets", undefined, user.headers)).status).toBe(200);
  const last = await http.call("DELETE", "/api/v1/auth/factors/totp", undefined, user.headers);
  expect([last.status, last.body.code]).toEqual([409, "failed_precondition"]);
});

test("a role that requires one does so for whoever has it within a group only, and no longer when it is taken back", async () => {
  const admin = await signedIn(t.ctx, http);
  const user = await signedIn(t.ctx, http, ["targets:read"]);
  const as = (who: typeof admin, method: string, path: string, body?: object) =>
    http.call(method, `/api/v1/${path}`, body, who.headers);
  expect((await as(admin, "POST", "roles", { name: "guarded", permissions: ["targets:read"] })).status).toBe(201);
  expect((await as(admin, "POST", "groups", { name: "vault" })).status).toBe(201);
  const grant = { role: "guarded", scope: { kind: "group", group: "vault" } };
  const given = await as(admin, "POST", `users/${user.userId}/grants`, grant);
  expect(given.status).toBe(201);
  expect((await as(user, "GET", "targets")).status).toBe(200);
  expect((await as(admin, "PUT", "roles/guarded/mfa", { required: true })).status).toBe(204);
  const refused = await as(user, "GET", "targets");
  expect([refused.status, refused.body.code]).toEqual([403, "second_factor_setup_required"]);
  expect((await as(user, "GET", "auth/me")).body).toMatchObject({ mustSetUpFactor: true });
  expect((await as(admin, "DELETE", `users/${user.userId}/grants/${given.body.id}`)).status).toBe(204);
  expect((await as(user, "GET", "targets")).status).toBe(200);
});

test("without such a role the app can be taken away, and the recovery codes go with it", async () => {
  const user = await withTotp();
  const challenge = await challengeOf(user);
  expect((await http.call("DELETE", "/api/v1/auth/factors/totp", undefined, user.headers)).status).toBe(204);
  expect((await sendCode(challenge, user.recovery[0]!)).status).toBe(400);
  expect((await login(user.username, user.password)).status).toBe(200);
});

test("an administrator resets the factors of somebody who lost them: their sessions end, and the audit log tells", async () => {
  const admin = await signedIn(t.ctx, http);
  const user = await withTotp(["targets:read"]);
  const reset = (name: string, headers: Record<string, string>) =>
    http.call("DELETE", `/api/v1/users/${name}/factors`, undefined, headers);
  expect((await reset(user.username, user.headers)).status).toBe(403);
  const manager = await signedIn(t.ctx, http, ["users:write"]);
  expect((await reset(admin.username, manager.headers)).status).toBe(403);
  expect((await reset(admin.username, admin.headers)).status).toBe(409);
  expect((await reset(user.username, admin.headers)).status).toBe(204);
  expect((await http.call("GET", "/api/v1/auth/me", undefined, user.headers)).status).toBe(401);
  expect((await login(user.username, user.password)).status).toBe(200);
  expect((await audited(user.userId)).map(({ action }) => action)).toContain("user.factors_reset");
});
