// Every route refuses what its schema refuses in words: the field, what is wrong with it, what it takes. The wrong inputs
// are made from the schemas, so a new route is in here by itself.
import { z } from "@hono/zod-openapi";
import { afterAll, beforeAll, expect, test } from "vitest";
import { saveTestJob } from "../automation/testing/save-test-job.ts";
import { type TestContext, testContext } from "../testing/test-context.ts";
import { signedIn, type TestHttp, testHttp } from "../testing/test-http.ts";
import { wrongBodies, wrongQueries } from "./testing/wrong-values.ts";

let t: TestContext;
let http: TestHttp;
let headers: Record<string, string>;
beforeAll(async () => {
  t = await testContext({ rateLimit: 0 });
  http = testHttp(t.ctx);
  headers = (await signedIn(t.ctx, http)).headers;
  await saveTestJob(t, "deploy");
});
afterAll(() => t.close());

interface Route {
  method: string;
  path: string;
  request?: { params?: unknown; query?: unknown; body?: { content: Record<string, { schema?: unknown }> } };
}

const someId = "01999999-0000-7000-8000-000000000001";

function routes(): (Route & { url: string })[] {
  return http.app.openAPIRegistry.definitions.flatMap((definition) => {
    if (definition.type !== "route") return [];
    const route = definition.route as unknown as Route;
    const { params } = route.request ?? {};
    const fitting = (name: string) =>
      ["deploy", "1", someId].find(
        (value) => !(params instanceof z.ZodObject) || params.shape[name].safeParse(value).success,
      );
    const url = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => fitting(name)!);
    return [{ ...route, method: route.method.toUpperCase(), url }];
  });
}

interface Refusal {
  status: number;
  detail: string;
  errors: { path: string; message: string }[];
}

/** Words of the library, of the language, and of nobody. */
const notWords = /Invalid|expected|received|Unrecognized|Too (big|small)|undefined|NaN|\[object|^$|ZodError/;
const saysWhat = /^(must |is |has |no )/;

function complaints(where: string, path: string, { status, detail, errors }: Refusal): string[] {
  const said = [detail, ...(errors ?? []).map((e) => e.message)];
  const problems = [
    status === 400 ? "" : `status ${status}`,
    said.some((text) => notWords.test(text.replaceAll(/"[^"]*"/g, "…"))) ? "not in words" : "",
    errors?.every((e) => saysWhat.test(e.message)) ? "" : "says not what is wrong",
    errors?.some((e) => e.path === path || e.path.startsWith(`${path}.`) || path === "") ? "" : "another field",
  ].filter((problem) => problem !== "");
  return problems.length === 0
    ? []
    : [`${where}: ${problems.join(", ")}: ${JSON.stringify({ detail, errors }).slice(0, 300)}`];
}

/** A body that is right, field by field, where the schema has required ones. */
const right: Record<string, Record<string, unknown>> = {
  "POST /api/v1/auth/login": { username: "a", password: "b" },
  "POST /api/v1/auth/password": { currentPassword: "a", newPassword: "quiet river 4711" },
  "POST /api/v1/agents/{idOrName}/revoke": { reason: "gone" },
  "POST /api/v1/targets": { name: "web-1" },
  "POST /auth/login": { username: "a", password: "b" },
  "POST /auth/refresh": { refresh_token: "a" },
  "POST /targets": { name: "web-1" },
};

test("bodies", async () => {
  const found: string[] = [];
  let asked = 0;
  for (const { method, path, url, request } of routes()) {
    const schema = request?.body?.content["application/json"]?.schema;
    if (!(schema instanceof z.ZodType)) continue;
    for (const wrong of wrongBodies(schema, right[`${method} ${path}`] ?? {})) {
      const answer = await http.call(method, url, wrong.input, headers);
      found.push(...complaints(`${method} ${path} ${wrong.path} ${wrong.what}`, wrong.path, answer.body));
      asked += 1;
    }
  }
  expect(asked).toBeGreaterThan(250);
  expect(found).toEqual([]);
});

test("queries", async () => {
  const found: string[] = [];
  let asked = 0;
  for (const { method, path, url, request } of routes().filter((r) => r.path.startsWith("/api/v1/"))) {
    if (path === "/api/v1/auth/oidc/callback") continue; // a browser on its way: it is sent on to a page that says it
    const { query } = request ?? {};
    for (const wrong of wrongQueries(query instanceof z.ZodObject ? query : z.object({}))) {
      const others = Object.entries({ target: "web-1", step: "step-1", topics: "agents" }).filter(
        ([name]) => query instanceof z.ZodObject && name in query.shape && wrong.query[0]![0] !== name,
      );
      const answer = await http.call(
        method,
        `${url}?${new URLSearchParams([...others, ...wrong.query])}`,
        undefined,
        headers,
      );
      found.push(...complaints(`${method} ${path} ${wrong.path} ${wrong.what}`, wrong.path, answer.body));
      asked += 1;
    }
  }
  expect(asked).toBeGreaterThan(100);
  expect(found).toEqual([]);
});

const refuse = async (method: string, path: string, body?: unknown) =>
  (await http.call(method, path, body, headers)).body;

test("a mistyped key or word is told with what was probably meant", async () => {
  expect(await refuse("POST", "/api/v1/targets", { name: "a", adress: "::1" })).toMatchObject({
    detail: "adress is no key of this; did you mean address?",
    errors: [{ path: "adress", suggestion: "address" }],
  });
  expect(
    await refuse("POST", "/api/v1/targets", { name: "a", services: [{ type: "ssh", port: 22, default_: true }] }),
  ).toMatchObject({
    errors: [{ path: "services.0.default_", suggestion: "default" }],
  });
  expect(await refuse("GET", "/api/v1/jobs?limt=5")).toMatchObject({
    detail: "query.limt is no query parameter of this route; did you mean limit?",
  });
  expect((await refuse("GET", "/api/v1/agents?state=onlin")).errors).toMatchObject([{ suggestion: "online" }]);
  expect((await refuse("GET", "/api/v1/auth/me?verbose=1")).detail).toBe(
    "query.verbose is no query parameter of this route",
  );
});

test.each([
  [{ version: "abc" }, 'version must be a whole number from 1 to 2147483647, and this is the text "abc"'],
  [{ version: 1.5 }, "version must be a whole number from 1 to 2147483647, and this is 1.5"],
  [{ version: 0 }, "version must be a whole number from 1 to 2147483647, and this is 0"],
  [{ inputs: null }, "inputs must be an object, and this is null"],
  [
    { targets: ["web-1"] },
    'targets must be either {"select": "<selector>"} or {"names": ["<target>", ...]}, and this is a list',
  ],
  [{ targets: { names: "web-1" } }, 'targets.names must be a list, and this is the text "web-1"'],
  [{ targets: { names: [] } }, "targets.names must not be empty"],
  [{ targets: { select: 5 } }, "targets.select must be text, and this is 5"],
  [{ targets: { select: "a", names: ["b"] } }, /^targets must be either .* or /],
  [{ reason: "x".repeat(501) }, "reason must have at most 500 characters, and this has 501"],
  [{ reason: "🐦".repeat(501) }, "reason must have at most 500 characters, and this has 501"],
  [{ reason: 1, inputs: [] }, "inputs must be an object, and this is a list (and 1 more)"],
  [[], "The body must be an object, and this is a list"],
])("executing with %j says so", async (body, detail) => {
  const refused = await refuse("POST", "/api/v1/jobs/deploy/execute", body);
  expect(refused.detail).toEqual(typeof detail === "string" ? detail : expect.stringMatching(detail));
});

test.each([
  ["/api/v1/executions/1/output?step=a", "query.target is missing: it must be text"],
  ["/api/v1/jobs/deploy/versions/abc", 'param.version must be a whole number from 1 to 2147483647, and this is "abc"'],
  ["/api/v1/jobs/deploy/versions/0", 'param.version must be a whole number from 1 to 2147483647, and this is "0"'],
  ["/api/v1/jobs?limit=abc", 'query.limit must be a whole number from 1 to 1000, and this is "abc"'],
  ["/api/v1/jobs?limit=1&limit=2", "query.limit is given 2 times; give it once"],
  ["/api/v1/executions?state=done", expect.stringContaining('"done" is no state: choose from')],
])("%s says so", async (path, detail) => {
  expect(await refuse("GET", path)).toMatchObject({ status: 400, detail });
});
