// Every route has its requirement, and every requirement its route; nobody gets in without what is required.
import { requirementOf, routeRequirements } from "@opsconductor/contract/permissions";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestContext, testContext } from "../testing/test-context.ts";
import { signedIn, type TestHttp, testHttp } from "../testing/test-http.ts";
import { nameOfRoute } from "./auth.ts";

let t: TestContext;
let http: TestHttp;
let routes: string[];
beforeAll(async () => {
  t = await testContext();
  http = testHttp(t.ctx);
  routes = [...new Set(http.app.routes.filter((r) => r.method !== "ALL").map(nameOfRoute))];
});
afterAll(() => t.close());

/** Any value will do: nobody gets far enough to look it up. */
function callOf(route: string): [method: string, path: string] {
  const [method, path] = route.split(" ") as [string, string];
  return [method, path.replaceAll(/\{[^}]+\}/g, "01999999-0000-7000-8000-000000000001").replace("/*", "/")];
}

test("every route has an entry in the permission table", () => {
  expect(routes.filter((route) => routeRequirements[route] === undefined)).toEqual([]);
});

test("every entry of the permission table has a route", () => {
  expect(Object.keys(routeRequirements).filter((entry) => !routes.includes(entry))).toEqual([]);
});

test("every route that is not public answers 401 to anonymous callers", async () => {
  const closed = routes.filter((route) => requirementOf(route)!.needs !== "public");
  expect(closed.length).toBeGreaterThan(3);
  const answers = await Promise.all(closed.map(async (route) => [route, (await http.call(...callOf(route))).status]));
  expect(answers.filter(([, status]) => status !== 401)).toEqual([]);
});

test("every route with a permission answers 403 to a user without any, and says which one is missing", async () => {
  const { headers } = await signedIn(t.ctx, http, []);
  const guarded = routes.filter((route) => requirementOf(route)!.needs.includes(":"));
  for (const route of guarded) {
    const [method, path] = callOf(route);
    const answer = await http.call(method, path, undefined, headers);
    expect([route, answer.status, answer.body.code]).toEqual([route, 403, "permission_denied"]);
    expect(answer.body.detail).toContain(requirementOf(route)!.needs);
  }
});

test("a refused permission is in the audit log with its route", async () => {
  const { headers, userId } = await signedIn(t.ctx, http, []);
  await http.call("GET", "/api/v1/system", undefined, headers);
  const rows = await t.ctx.sql`select action, outcome, detail from communication.audit
    where actor_id = ${userId} and action = 'permission.refused'`;
  expect(rows[0]).toEqual({
    action: "permission.refused",
    outcome: "refused",
    detail: { permission: "system:read", route: "GET /api/v1/system" },
  });
});

test("paths in other spellings never reach a guarded route without a token", async () => {
  for (const path of ["/api/v1/system/", "//api/v1/system", "/api/v1/SYSTEM", "/api/v1/%73ystem", "/api//v1/system"])
    expect([path, (await http.call("GET", path)).status === 200]).toEqual([path, false]);
});
