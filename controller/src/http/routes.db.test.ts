// Every route has its requirement, and every requirement its route; nobody gets in without what is required.
import { personalRoutes, requirementOf, routeRequirements } from "@opsconductor/contract/permissions";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestContext, testContext } from "../testing/test-context.ts";
import { signedIn, type TestHttp, testHttp } from "../testing/test-http.ts";
import { nameOfRoute } from "./route-name.ts";

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

test("no API token gets to what belongs to the person alone, whatever it may do else", async () => {
  const { headers, userId } = await signedIn(t.ctx, http);
  const made = await http.call("POST", "/api/v1/auth/tokens", { name: "all", scopes: ["*"] }, headers);
  const program = { authorization: `Bearer ${made.body.token}` };
  expect((await http.call("GET", "/api/v1/auth/me", undefined, program)).body.id).toBe(userId);
  for (const route of personalRoutes) {
    const answer = await http.call(...callOf(route), undefined, program);
    expect([route, answer.status, answer.body.detail]).toEqual([route, 403, expect.stringContaining("API token")]);
  }
});

test("every route about passwords, sessions and second factors is one that no API token gets to", () => {
  const about = /password|session|factor|totp|otp\b|passkey|webauthn|recovery|step-up|verif.*auth|link/;
  const own = routes.filter((route) => /\/auth\//.test(route) || about.test(route));
  const open = own.filter((route) => requirementOf(route)!.needs !== "public" && !personalRoutes.has(route));
  expect(open.sort()).toEqual([
    "DELETE /api/v1/auth/tokens/{id}",
    "GET /api/v1/auth/me",
    "GET /api/v1/auth/tokens",
    "GET /api/v1/users/{idOrName}/sessions",
    "POST /api/v1/auth/tokens",
  ]);
  expect([...personalRoutes].filter((route) => !routes.includes(route))).toEqual([]);
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
