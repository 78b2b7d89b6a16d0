import { afterAll, beforeAll, expect, test } from "vitest";
import { chainAudit } from "../../communication/chain-audit.ts";
import { type TestContext, testContext } from "../../testing/test-context.ts";
import { signedIn, type TestHttp, testHttp } from "../../testing/test-http.ts";

let t: TestContext;
let http: TestHttp;
beforeAll(async () => {
  t = await testContext();
  http = testHttp(t.ctx);
});
afterAll(() => t.close());

test("who may read the audit log sees who did what, and that nobody changed it", async () => {
  const { headers, userId, username } = await signedIn(t.ctx, http, ["audit:read"]);
  await chainAudit(t.ctx);
  const list = await http.call("GET", `/api/v1/audit?action=user.*&actor=${userId}`, undefined, headers);
  expect(list.status).toBe(200);
  expect(list.body.items[0]).toMatchObject({
    action: "user.signed_in",
    actor: { kind: "user", id: userId, name: username },
    outcome: "ok",
    position: expect.any(Number),
  });
  const verification = await http.call("GET", "/api/v1/audit/verify", undefined, headers);
  expect(verification.body).toMatchObject({ ok: true, problems: [] });
  const file = await http.call("GET", "/api/v1/audit/export?format=csv&action=user.*", undefined, headers);
  expect(file.status).toBe(200);
  expect(file.headers.get("content-disposition")).toMatch(/^attachment; filename="audit-[\d-]+\.csv"$/);
  expect(file.body).toContain("user.signed_in");
});

test("without audit:read there is nothing to see", async () => {
  const { headers } = await signedIn(t.ctx, http, ["executions:read"]);
  for (const path of ["audit", "audit/verify", "audit/export"])
    expect((await http.call("GET", `/api/v1/${path}`, undefined, headers)).status).toBe(403);
});

test("filters that make no sense are told", async () => {
  const { headers } = await signedIn(t.ctx, http, ["audit:read"]);
  for (const query of ["outcome=maybe", "from=yesterday", "cursor=WyJ4Il0", "limit=0", "format=xml"]) {
    const path = query.startsWith("format") ? "audit/export" : "audit";
    expect([query, (await http.call("GET", `/api/v1/${path}?${query}`, undefined, headers)).status]).toEqual([
      query,
      400,
    ]);
  }
});

test("filters of an export that is the whole log are refused, and not left out", async () => {
  const { headers } = await signedIn(t.ctx, http, ["audit:read"]);
  const filtered = await http.call("GET", "/api/v1/audit/export?format=jsonl&actor=ann", undefined, headers);
  expect(filtered).toMatchObject({ status: 400, body: { errors: [{ path: "query.actor" }] } });
  expect((await http.call("GET", "/api/v1/audit/export?format=jsonl", undefined, headers)).status).toBe(200);
});

test("a request that is refused before anything heard of it is written down, and a flood of them is counted", async () => {
  const refused = (action = "request.refused") => t.ctx.sql<{ actorKind: string; detail: Record<string, unknown> }[]>`
    select actor_kind, detail from communication.audit where action = ${action} order by id`;
  const wrong = { authorization: "Bearer wrong" };
  const before = (await refused()).length;
  expect((await http.call("GET", "/api/v1/jobs", undefined, wrong)).status).toBe(401);
  expect((await http.call("POST", "/api/v1/jobs", {}, { "sec-fetch-site": "cross-site" })).status).toBe(403);
  expect((await http.call("POST", "/api/v1/auth/login", {}, { "sec-fetch-site": "cross-site" })).status).toBe(403);
  const rows = (await refused()).slice(before);
  expect(rows.map(({ actorKind, detail }) => [actorKind, detail.route, detail.code])).toEqual([
    ["anonymous", "GET /api/v1/jobs", "unauthenticated"],
    ["anonymous", "POST /api/v1/jobs", "permission_denied"],
    ["anonymous", "POST /api/v1/auth/login", "permission_denied"],
  ]);
  for (let n = 0; n < 60; n++) await http.call("GET", "/api/v1/jobs", undefined, wrong);
  expect((await refused()).length - before).toBe(20);
  // Others are still heard.
  const { headers } = await signedIn(t.ctx, http, []);
  const told = (await refused("permission.refused")).length;
  await http.call("GET", "/api/v1/system", undefined, headers);
  expect((await refused("permission.refused")).length).toBe(told + 1);
});

test("an access token that has expired is no refusal worth a row", async () => {
  const { headers } = await signedIn(t.ctx, http);
  const count = async () =>
    (await t.ctx.sql`select 1 from communication.audit where action = 'request.refused'`).length;
  const before = await count();
  t.setNow(new Date(Date.now() + 3_600_000));
  t.ctx.identity.tokens.clear();
  expect((await http.call("GET", "/api/v1/jobs", undefined, headers)).status).toBe(401);
  expect(await count()).toBe(before);
});
