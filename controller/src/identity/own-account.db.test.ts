// A person's own account through the routes: profile, preferences, history of sign-ins.
import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestContext, testContext } from "../testing/test-context.ts";
import { signedIn, type TestHttp, testHttp } from "../testing/test-http.ts";

let t: TestContext;
let http: TestHttp;
beforeAll(async () => {
  t = await testContext();
  http = testHttp(t.ctx);
});
afterAll(() => t.close());

const get = (path: string, headers: Record<string, string>) => http.call("GET", `/api/v1/${path}`, undefined, headers);
const patch = (path: string, body: unknown, headers: Record<string, string>) =>
  http.call("PATCH", `/api/v1/${path}`, body, headers);

test("everybody changes their own profile, and nothing else of their account that way", async () => {
  const { headers, userId } = await signedIn(t.ctx, http, []);
  const change = { displayName: "Ann Example", phone: "+43 1 234", jobTitle: "Night shift" };
  expect((await patch("auth/me", change, headers)).body).toMatchObject({ ...change, email: null });
  expect((await get("auth/me", headers)).body).toMatchObject(change);
  for (const wrong of [{ roles: ["admin"] }, { active: false }, { username: "root" }, { email: "no address" }])
    expect((await patch("auth/me", wrong, headers)).status).toBe(400);
  const rows = await t.ctx.sql`select before, after from communication.audit
    where object_id = ${userId} and action = 'user.profile_changed'`;
  expect(rows[0]).toMatchObject({ before: { phone: "" }, after: { phone: "+43 1 234" } });
});

test("preferences follow the person: what is named is set, the rest stays, and two tabs lose nothing", async () => {
  const { headers, userId } = await signedIn(t.ctx, http, []);
  expect((await get("auth/preferences", headers)).body).toEqual({});
  await Promise.all([
    patch("auth/preferences", { theme: "dark" }, headers),
    patch("auth/preferences", { zone: "utc", density: "compact" }, headers),
  ]);
  const expected = { theme: "dark", zone: "utc", density: "compact" };
  expect((await get("auth/preferences", headers)).body).toEqual(expected);
  expect((await patch("auth/preferences", { theme: "pink" }, headers)).status).toBe(400);
  expect((await patch("auth/preferences", { else: true }, headers)).status).toBe(400);
  await t.ctx
    .sql`update identity.users set preferences = preferences || '{"times": "sideways", "old": 1}' where id = ${userId}`;
  expect((await get("auth/preferences", headers)).body).toEqual(expected);
});

test("dates and numbers may be written as any language has them that really exists", async () => {
  const { headers } = await signedIn(t.ctx, http, []);
  for (const language of ["standard", "browser", "de-AT", "zh-Hant"])
    expect((await patch("auth/preferences", { language, clock: "12" }, headers)).body).toEqual({
      language,
      clock: "12",
    });
  for (const language of ["", "xx-nowhere", "de_AT", "english", "../../etc"]) {
    const refused = await patch("auth/preferences", { language }, headers);
    expect([refused.status, refused.body.errors?.[0]?.path], language).toEqual([400, "language"]);
  }
  expect((await get("auth/preferences", headers)).body.language).toBe("zh-Hant");
});

test("times may be shown in any zone of the IANA database", async () => {
  const { headers } = await signedIn(t.ctx, http, []);
  for (const zone of ["utc", "local", "Europe/Vienna", "America/Argentina/Buenos_Aires"])
    expect((await patch("auth/preferences", { zone }, headers)).body).toEqual({ zone });
  for (const zone of ["", "Mars/Olympus", "+02:00", "../../etc", "Europe/Vienna "]) {
    const refused = await patch("auth/preferences", { zone }, headers);
    expect([refused.status, refused.body.errors?.[0]?.path], zone).toEqual([400, "zone"]);
  }
});

test("the audit log tells who changed of what they are told, and nothing about colours", async () => {
  const { headers, userId } = await signedIn(t.ctx, http, []);
  await patch("auth/preferences", { theme: "dark", tellSignIns: "never", tellAgents: true }, headers);
  await patch("auth/preferences", { tellSignIns: "never", density: "compact" }, headers);
  expect((await patch("auth/preferences", { tellExecutions: "sometimes" }, headers)).status).toBe(400);
  const rows = await t.ctx.sql`select before, after from communication.audit
    where object_id = ${userId} and action = 'user.notices_changed'`;
  expect([...rows]).toEqual([
    { before: { tellSignIns: null, tellAgents: null }, after: { tellSignIns: "never", tellAgents: true } },
  ]);
});

test("the history tells sign-ins and refusals, the newest first, page by page, with browser and address", async () => {
  const ann = await signedIn(t.ctx, http, []);
  const browser = { "user-agent": "Firefox of a test" };
  await http.call("POST", "/api/v1/auth/login", { username: ann.username, password: "wrong one" }, browser);
  await http.call("POST", "/api/v1/auth/login", { username: ann.username, password: ann.password }, browser);
  const first = (await get("auth/sign-ins?limit=2", ann.headers)).body;
  expect(first.items).toMatchObject([
    { action: "user.signed_in", outcome: "ok", methods: ["password"], userAgent: "Firefox of a test" },
    { action: "user.sign_in_refused", outcome: "refused", why: "wrong_password" },
  ]);
  const rest = (await get(`auth/sign-ins?limit=2&cursor=${first.nextCursor}`, ann.headers)).body;
  expect([rest.items.length, rest.nextCursor]).toEqual([1, undefined]);
});

test("the history of others is for those who may see users", async () => {
  const [ann, bob] = [await signedIn(t.ctx, http, []), await signedIn(t.ctx, http, ["users:read"])];
  expect((await get(`users/${ann.username}/sign-ins`, ann.headers)).status).toBe(403);
  const seen = await get(`users/${ann.username}/sign-ins`, bob.headers);
  expect([seen.status, seen.body.items.length]).toEqual([200, 1]);
});
