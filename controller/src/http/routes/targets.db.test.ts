import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestContext, testContext } from "../../testing/test-context.ts";
import { signedIn, type TestHttp, testHttp } from "../../testing/test-http.ts";

let t: TestContext;
let http: TestHttp;
let headers: Record<string, string>;
beforeAll(async () => {
  t = await testContext();
  http = testHttp(t.ctx);
  ({ headers } = await signedIn(t.ctx, http, ["targets:read", "targets:write"]));
});
afterAll(() => t.close());

const call = (method: string, path: string, body?: unknown, more: Record<string, string> = {}) =>
  http.call(method, `/api/v1/targets${path}`, body, { ...headers, ...more });

test("a target is added, read, changed against its revision and deleted", async () => {
  const created = await call("POST", "", { name: "web-01", labels: { env: "prod" } });
  expect([created.status, created.headers.get("etag")]).toEqual([201, '"1"']);
  expect(created.headers.get("location")).toBe(`/api/v1/targets/${created.body.id}`);
  expect((await call("GET", "/WEB-01")).body).toEqual(created.body);
  const patch = { description: "rack 4" };
  const changed = await call("PATCH", "/web-01", patch, { "if-match": '"1"' });
  expect([changed.status, changed.headers.get("etag"), changed.body.description]).toEqual([200, '"2"', "rack 4"]);
  const late = await call("PATCH", "/web-01", patch, { "if-match": '"1"' });
  expect([late.status, late.body.code]).toEqual([412, "version_mismatch"]);
  expect((await call("PATCH", "/web-01", patch, { "if-match": "yesterday" })).status).toBe(400);
  expect((await call("DELETE", "/web-01", undefined, { "if-match": '"1"' })).status).toBe(412);
  expect((await call("DELETE", "/web-01")).status).toBe(204);
  expect((await call("GET", "/web-01")).body.code).toBe("not_found");
});

test("resolve is the preview and not a name", async () => {
  await call("POST", "", { name: "db-01", labels: { env: "prod" } });
  const preview = await call("GET", "/resolve?select=env%3Dprod");
  expect([preview.status, preview.body]).toMatchObject([
    200,
    { count: 1, withoutAgent: 1, items: [{ name: "db-01" }] },
  ]);
  const wrong = await call("GET", "/resolve?select=env%3D%3Dprod");
  expect([wrong.status, wrong.body.errors]).toMatchObject([400, [{ path: "select", column: 4 }]]);
});

test.each([
  ["a name with a slash", "POST", "", { name: "a/b" }],
  ["an unknown key", "POST", "", { name: "a", lables: {} }],
  ["a service without a port", "POST", "", { name: "a", services: [{ type: "ssh" }] }],
  ["a limit that is too high", "GET", "?limit=5000", undefined],
  ["a cursor of somebody else", "GET", "?cursor=zzzz", undefined],
  ["a NUL in a search", "GET", "?q=%00", undefined],
  ["a NUL in a list of names", "GET", "/resolve?names=%00", undefined],
])("%s is a 400 that names the place", async (_, method, path, body) => {
  const answer = await call(method, path, body);
  expect([answer.status, answer.body.code]).toEqual([400, "invalid_argument"]);
});

test("a NUL in a name is not found, and two targets of one name are a conflict", async () => {
  expect((await call("GET", "/%00")).status).toBe(404);
  await call("POST", "", { name: "twice" });
  expect((await call("POST", "", { name: "Twice" })).status).toBe(409);
});
