// Whatever a caller puts into a path, a query or a body, the answer is a refusal in words and never an error of ours.
import { afterAll, beforeAll, expect, test } from "vitest";
import { FakeAgent } from "../automation/testing/fake-agent.ts";
import { execute, saveTestJob } from "../automation/testing/save-test-job.ts";
import { type TestContext, testContext } from "../testing/test-context.ts";
import { signedIn, type TestHttp, testHttp } from "../testing/test-http.ts";
import { openApiDocument } from "./openapi.ts";

interface Operation {
  parameters?: { in: string; name: string }[];
  requestBody?: unknown;
}

let t: TestContext;
let http: TestHttp;
let headers: Record<string, string>;
let known: { job: string; target: string; agent: string; execution: string };
beforeAll(async () => {
  t = await testContext();
  http = testHttp(t.ctx);
  headers = (await signedIn(t.ctx, http)).headers;
  await saveTestJob(t, "deploy");
  const agent = await FakeAgent.connected(t, "web-1");
  const { id } = await execute(t, "deploy", ["web-1"]);
  known = { job: "deploy", target: "web-1", agent: agent.id, execution: id };
});
afterAll(() => t.close());

const texts = [
  "a\0b",
  "\ud800",
  "%",
  "'",
  "\\",
  "../..",
  "-1",
  "1e300",
  "1.5",
  "9".repeat(400),
  "9007199254740993",
  "",
];
const cursors = [["1e300"], ["1.5"], ["a\0b"], ["a", "b"], ["x".repeat(300)], [1], {}].map((key) =>
  Buffer.from(JSON.stringify(key)).toString("base64url"),
);

function operations(): { method: string; path: string; operation: Operation }[] {
  const { paths = {} } = openApiDocument(http.app);
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item as Record<string, Operation>).map(([method, operation]) => ({
      ...{ method: method.toUpperCase(), path, operation },
    })),
  );
}

/** A path that exists, so that the value under test is what is judged. */
function fill(path: string, value?: string): string {
  const collection = path.split("/")[3];
  const own = { jobs: known.job, targets: known.target, agents: known.agent }[collection ?? ""] ?? known.execution;
  const text = value === undefined ? own : encodeURIComponent(value.toWellFormed());
  return path.replaceAll(/\{version\}/g, value === undefined ? "1" : text).replaceAll(/\{[^}]+\}/g, text);
}

async function failuresOf(calls: [method: string, path: string, body?: unknown][]): Promise<string[]> {
  const failures: string[] = [];
  for (const [method, path, body] of calls) {
    const answer = await http.call(method, path, body, headers);
    if (answer.status >= 500) failures.push(`${answer.status} ${method} ${path} ${JSON.stringify(body ?? "")}`);
  }
  return failures;
}

test("values in paths", async () => {
  const calls = operations()
    .filter(({ path }) => path.includes("{"))
    .flatMap(({ method, path }) => texts.map((v): [string, string] => [method, fill(path, v)]));
  expect(calls.length).toBeGreaterThan(100);
  expect(await failuresOf(calls)).toEqual([]);
});

test("values in queries", async () => {
  const calls = operations()
    .filter(({ path }) => path !== "/api/v1/events") // answers without end when a topic is known; events.db.test.ts
    .flatMap(({ method, path, operation }) =>
      (operation.parameters ?? [])
        .filter((p) => p.in === "query")
        .flatMap(({ name }) =>
          [...texts, ...(name === "cursor" ? cursors : [])].map((v): [string, string] => {
            const query = new URLSearchParams({ target: known.target, step: "step-1", [name]: v });
            return [method, `${fill(path)}?${query}`];
          }),
        ),
    );
  expect(calls.length).toBeGreaterThan(300);
  expect(await failuresOf(calls)).toEqual([]);
});

test("values in bodies", async () => {
  const definition = "apiVersion: opsconductor/v1\nkind: Job\nname: other\nsteps: [{ run: echo }]\n";
  const calls = texts.flatMap((v): [string, string, unknown][] => [
    ["POST", "/api/v1/auth/login", { username: v, password: v }],
    ["POST", "/api/v1/auth/password", { currentPassword: v, newPassword: `${v}123456789012` }],
    ["POST", `/api/v1/agents/${known.agent}/revoke`, { reason: v }],
    ["POST", "/api/v1/enrollment-tokens", { namePattern: v, labels: { a: v } }],
    ["POST", "/api/v1/enrollment-tokens", { cidr: v }],
    ["POST", "/api/v1/enrollment-tokens", { expiresIn: v }],
    ["POST", "/targets", { name: "x", tags: [v], description: v, hostname: v }],
    ["POST", "/jobs/deploy/execute", { input_data: { [v]: v }, targets: [v] }],
    ["POST", "/api/v1/targets", { name: `t${v.length}`, description: v, labels: { a: v }, attributes: { [v]: v } }],
    ["POST", "/api/v1/targets", { name: v, hostname: v, address: v, os: v }],
    [
      "PATCH",
      `/api/v1/targets/${known.target}`,
      { services: [{ type: v, port: 22, credential: { kind: v, secret: v } }] },
    ],
    ["POST", "/api/v1/jobs", { definition: `${definition}description: ${JSON.stringify(v)}\n`, message: v }],
    ["POST", "/api/v1/jobs", { definition: definition.replace("other", `other${v.length}`), message: v }],
    ["POST", "/api/v1/jobs/validate", { definition: v }],
    ["POST", "/api/v1/jobs/deploy/execute", { reason: v, targets: { names: [v] } }],
    ["POST", "/api/v1/jobs/deploy/execute", { reason: v, inputs: { [v]: v } }],
    ["POST", "/api/v1/jobs/deploy/execute", { targets: { select: v } }],
    ["POST", `/api/v1/executions/${known.execution}/cancel`, { reason: v }],
  ]);
  const versions = [2 ** 31, 2 ** 53, 1e300].map((version): [string, string, unknown] => [
    ...(["POST", "/api/v1/jobs/deploy/execute", { version, targets: { names: ["web-1"] } }] as const),
  ]);
  expect(await failuresOf([...calls, ...versions])).toEqual([]);
});

const definition = "apiVersion: opsconductor/v1\nkind: Job\nname: third\nsteps: [{ run: echo }]\n";

/** Where a name or reason comes in, and a body with `v` there. */
const oneLineTexts: [method: string, path: string, at: string, body: (v: string) => unknown][] = [
  ["POST", "/api/v1/targets", "hostname", (v) => ({ name: "x", hostname: v })],
  ["POST", "/api/v1/targets", "address", (v) => ({ name: "x", address: v })],
  ["POST", "/api/v1/targets", "os", (v) => ({ name: "x", os: v })],
  ["POST", "/api/v1/targets", "labels.role", (v) => ({ name: "x", labels: { role: v } })],
  ["POST", "/api/v1/targets", "services.0.type", (v) => ({ name: "x", services: [{ type: v, port: 1 }] })],
  ["POST", "/targets", "labels.role", (v) => ({ name: "x", tags: [`role=${v}`] })],
  ["POST", "/api/v1/users", "displayName", (v) => ({ username: "x", displayName: v, roles: [] })],
  ["PATCH", "/api/v1/auth/me", "jobTitle", (v) => ({ jobTitle: v })],
  ["PATCH", "/api/v1/auth/me", "phone", (v) => ({ phone: v })],
  ["POST", "/api/v1/roles", "description", (v) => ({ name: "x", description: v, permissions: [] })],
  ["POST", "/api/v1/service-accounts", "description", (v) => ({ name: "x", description: v, roles: ["viewer"] })],
  ["POST", "/api/v1/auth/tokens", "name", (v) => ({ name: v, scopes: ["*"] })],
  ["POST", "/api/v1/enrollment-tokens", "namePattern", (v) => ({ namePattern: v })],
  ["POST", "/api/v1/enrollment-tokens", "labels.role", (v) => ({ labels: { role: v } })],
  ["POST", "/api/v1/agents/AGENT/revoke", "reason", (v) => ({ reason: v })],
  ["POST", "/api/v1/executions/EXECUTION/cancel", "reason", (v) => ({ reason: v })],
  ["POST", "/api/v1/jobs/deploy/execute", "reason", (v) => ({ reason: v, targets: { names: ["web-1"] } })],
  ["POST", "/api/v1/jobs", "message", (v) => ({ definition, message: v })],
];

test.each(oneLineTexts)("%s %s takes as %s only one line that hides nothing", async (method, route, at, body) => {
  const path = route.replace("AGENT", known.agent).replace("EXECUTION", known.execution);
  const errorsOf = async (v: string) => {
    const answer = await http.call(method, path, body(v), headers);
    expect(answer.status, JSON.stringify(answer.body)).toBe(400);
    return answer.body.errors;
  };
  const broken = "must be one line, and has a line break at character 2";
  expect(await errorsOf("a\nb")).toEqual([{ path: at, message: broken }]);
  const hidden = expect.stringMatching(/^has U\+202E at character 4, /);
  expect(await errorsOf("web\u202e10")).toEqual([{ path: at, message: hidden }]);
});

test("a job's steps, stages and labels have names of one line that hides nothing", async () => {
  const texts = [
    ["steps.0.name", 'steps: [{ run: echo, name: "a\\u202eb" }]'],
    ["stages.one.name", 'stages: { one: { name: "a\\u202eb", steps: [{ run: echo }] } }'],
    ["labels.team", 'labels: { team: "a\\u202eb" }\nsteps: [{ run: echo }]'],
  ] as const;
  for (const [path, rest] of texts) {
    const text = `apiVersion: opsconductor/v1\nkind: Job\nname: third\n${rest}\n`;
    const { body } = await http.call("POST", "/api/v1/jobs", { definition: text }, headers);
    const message = expect.stringMatching(/^has U\+202E at character 2, /);
    expect(body.errors).toEqual([expect.objectContaining({ path, message, line: expect.any(Number) })]);
  }
});
