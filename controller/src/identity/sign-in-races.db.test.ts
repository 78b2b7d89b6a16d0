// Sign-ins that meet a change of the account: whoever proved the old credential gets nowhere, in whatever order both
// arrive. The test holds the user's row, lets both queue up behind it, and lets go.
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { SoftwareAuthenticator } from "../testing/software-authenticator.ts";
import { type TestContext, testContext } from "../testing/test-context.ts";
import { signedIn, type TestAnswer, type TestHttp, testHttp } from "../testing/test-http.ts";
import { createIdentity } from "./identity.ts";
import { codeAt, newSeed } from "./totp.ts";

let t: TestContext;
let http: TestHttp;
let admin: Person;
beforeAll(async () => {
  t = await testContext();
  http = testHttp(t.ctx);
  admin = await signedIn(t.ctx, http);
});
afterAll(() => t.close());
beforeEach(() => {
  Object.assign(t.ctx.identity, createIdentity(t.ctx.identity.signingKey));
});

type Person = Awaited<ReturnType<typeof signedIn>>;
type Act = () => Promise<TestAnswer>;

const login = ({ username, password }: Person) => http.call("POST", "/api/v1/auth/login", { username, password });
const liveSessions = async ({ userId }: Person) =>
  (await t.ctx.sql`select id from identity.sessions where user_id = ${userId} and revoked_at is null`).length;

/** How many statements of this database wait for a lock. */
const waiting = async () =>
  Number(
    (
      await t.ctx.sql`select count(*) as n from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`
    )[0]!.n,
  );

/** Each act is begun when the one before it waits for the user's row; then the row is let go. */
async function queued({ userId }: Person, acts: readonly Act[]): Promise<TestAnswer[]> {
  const begun: Promise<TestAnswer>[] = [];
  await t.db.owner.begin(async (tx) => {
    await tx`select from identity.users where id = ${userId} for update`;
    for (const act of acts) {
      begun.push(act());
      await expect.poll(waiting, { timeout: 15_000 }).toBe(begun.length);
    }
  });
  return Promise.all(begun);
}

const byAdmin = (method: string, path: string, body?: unknown) =>
  http.call(method, `/api/v1/users/${path}`, body, admin.headers);

async function withTotp(person: Person): Promise<Buffer> {
  const seed = newSeed();
  const sealed = t.ctx.keys.seal(`identity.totp_factors/${person.userId}`, seed);
  const at = t.ctx.now();
  await t.ctx.sql`insert into identity.totp_factors (user_id, seed_sealed, created_at, confirmed_at)
    values (${person.userId}, ${sealed}, ${at}, ${at})`;
  return seed;
}

async function addPasskey({ headers }: Person, key: SoftwareAuthenticator) {
  const { ceremony, options } = (await http.call("POST", "/api/v1/auth/passkeys/options", undefined, headers)).body;
  const body = { ceremony, name: "key", credential: key.create(options) };
  return http.call("POST", "/api/v1/auth/passkeys", body, headers);
}

const changePassword = (person: Person) => async (): Promise<Act> => {
  const body = { currentPassword: person.password, newPassword: `other ${person.password}` };
  return () => http.call("POST", "/api/v1/auth/password", body, person.headers);
};
const useLink = (person: Person) => async (): Promise<Act> => {
  const { token } = (await byAdmin("POST", `${person.username}/password-link`)).body;
  const body = { token, newPassword: `other ${person.password}` };
  return () => http.call("POST", "/api/v1/auth/password-link", body);
};
const deactivate = (person: Person) => async (): Promise<Act> => () =>
  byAdmin("PATCH", person.username, { active: false });

test.each([
  ["the own password is changed", changePassword, 1],
  ["the password is set by a link", useLink, 0],
  ["the account is deactivated", deactivate, 0],
])("a sign-in that waits while %s opens nothing", async (_, change, kept) => {
  const ann = await signedIn(t.ctx, http, []);
  const act = await change(ann)();
  const [changed, late] = await queued(ann, [act, () => login(ann)]);
  expect([changed!.status < 300, late!.status, late!.body.code]).toEqual([true, 401, "unauthenticated"]);
  expect(await liveSessions(ann)).toBe(kept);
  const [row] = await t.ctx.sql`select detail from communication.audit
    where action = 'user.sign_in_refused' and object_id = ${ann.userId} order by id desc limit 1`;
  expect(row!.detail).toEqual({ why: "changed_meanwhile" });
});

test.each([
  ["the own password is changed", changePassword, 1],
  ["the password is set by a link", useLink, 0],
  ["the account is deactivated", deactivate, 0],
])("a session that began a moment before %s ends with the others", async (_, change, kept) => {
  const ann = await signedIn(t.ctx, http, []);
  const act = await change(ann)();
  const [early, changed] = await queued(ann, [() => login(ann), act]);
  expect([early!.status, changed!.status < 300]).toEqual([200, true]);
  expect(await liveSessions(ann)).toBe(kept);
});

test("a sign-in that waits for its code is void when another factor is added meanwhile", async () => {
  const ann = await signedIn(t.ctx, http, []);
  const seed = await withTotp(ann);
  const { challenge } = (await login(ann)).body.proof;
  expect((await addPasskey(ann, new SoftwareAuthenticator())).status).toBe(201);
  const code = codeAt(seed, t.ctx.now());
  const answer = await http.call("POST", "/api/v1/auth/login/code", { challenge, code });
  expect([answer.status, await liveSessions(ann)]).toEqual([401, 1]);
});

test("a code that waits while an administrator resets the factors opens nothing, and neither waits for the other", async () => {
  const ann = await signedIn(t.ctx, http, []);
  const seed = await withTotp(ann);
  const { challenge } = (await login(ann)).body.proof;
  const withCode = () => http.call("POST", "/api/v1/auth/login/code", { challenge, code: codeAt(seed, t.ctx.now()) });
  const reset = () => byAdmin("DELETE", `${ann.username}/factors`);
  const [done, late] = await queued(ann, [reset, withCode]);
  expect([done!.status, late!.status, await liveSessions(ann)]).toEqual([204, 401, 0]);
});

test("a code before the reset: its session ends with it", async () => {
  const ann = await signedIn(t.ctx, http, []);
  const seed = await withTotp(ann);
  const { challenge } = (await login(ann)).body.proof;
  const withCode = () => http.call("POST", "/api/v1/auth/login/code", { challenge, code: codeAt(seed, t.ctx.now()) });
  const reset = () => byAdmin("DELETE", `${ann.username}/factors`);
  const [, done] = await queued(ann, [withCode, reset]);
  expect([done!.status, await liveSessions(ann)]).toEqual([204, 0]);
});

test("a passkey that is taken away while it signs in opens nothing", async () => {
  const ann = await signedIn(t.ctx, http, []);
  const key = new SoftwareAuthenticator();
  const added = await addPasskey(ann, key);
  const asked = (await http.call("POST", "/api/v1/auth/passkey/options", {})).body;
  const credential = key.get(asked.options);
  const remove = () => http.call("DELETE", `/api/v1/auth/passkeys/${added.body.id}`, undefined, ann.headers);
  const enter = () => http.call("POST", "/api/v1/auth/passkey", { ceremony: asked.ceremony, credential });
  const [removed, late] = await queued(ann, [remove, enter]);
  expect([removed!.status, late!.status, await liveSessions(ann)]).toEqual([204, 401, 1]);
});

test("a second factor that is set up meanwhile is asked for: the password alone opens nothing any more", async () => {
  const ann = await signedIn(t.ctx, http, []);
  const { secret } = (await http.call("POST", "/api/v1/auth/factors/totp", undefined, ann.headers)).body;
  const code = codeAt(Buffer.from(base32(secret)), t.ctx.now());
  const confirm = () => http.call("POST", "/api/v1/auth/factors/totp/confirm", { code }, ann.headers);
  const [done, late] = await queued(ann, [confirm, () => login(ann)]);
  expect([done!.status, late!.status, await liveSessions(ann)]).toEqual([200, 401, 1]);
});

function base32(text: string): number[] {
  const bits = [...text.replaceAll(/[ =]/g, "")].map((sign) =>
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(sign).toString(2).padStart(5, "0"),
  );
  return (bits.join("").match(/[01]{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2));
}
