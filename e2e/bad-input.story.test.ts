// What people and programs send that is wrong: each gets one clear answer (problem+json with a code and a request id),
// and the controller goes on as if nothing had been.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Answer, Api } from "./devstack/api.ts";
import { type Devstack, startDevstack } from "./devstack/devstack.ts";
import { createJob } from "./devstack/story.ts";

const password = "a-password-for-stories";
const nobody = "01890000-0000-7000-8000-000000000000";
let stack: Devstack;
let api: Api;

beforeAll(async () => {
  stack = await startDevstack({ adminPassword: password });
  api = await Api.signIn(stack.url, "admin", password);
});
afterAll(() => stack?.stop());

interface Problem {
  status: number;
  code: string;
  detail: string;
  requestId: string;
  errors?: { path: string; message: string; line?: number; column?: number; suggestion?: string }[];
}

/** The problem that a request is answered with; every answer of the suite goes through here. */
async function problemOf(answering: Promise<Answer>): Promise<Problem> {
  const { status, headers, body } = await answering;
  expect(headers.get("content-type")).toContain("application/problem+json");
  const problem = body as Problem;
  expect(problem).toMatchObject({ status, code: expect.any(String), detail: expect.any(String) });
  expect(problem.requestId).toBe(headers.get("x-request-id"));
  expect(problem.detail).not.toMatch(/\bat \S+\.ts|select .* from|undefined|\[object/);
  return problem;
}

const postJob = (yaml: string) => problemOf(api.request("POST", "/api/v1/jobs", yaml));
const head = "apiVersion: opsconductor/v1\nkind: Job\n";

describe("a job that cannot be read", () => {
  test("an unknown key is named with line, column and what was probably meant", async () => {
    const problem = await postJob(`${head}name: x\nsteps:\n  - run: 'true'\n    timout: 5m\n`);
    expect(problem).toMatchObject({ status: 400, code: "invalid_argument" });
    expect(problem.errors).toEqual([expect.objectContaining({ line: 6, column: 5, suggestion: "timeout" })]);
  });
  test("a wrong type is named with its place", async () => {
    const problem = await postJob(`${head}name: x\ntimeout: [1]\nsteps:\n  - run: 'true'\n`);
    expect(problem.errors).toEqual([expect.objectContaining({ path: "timeout", line: 4, column: 10 })]);
  });
  test("a stage that needs itself through others is a cycle", async () => {
    const stage = (needs: string) => `{ needs: [${needs}], targets: { select: a }, steps: [ { run: 'true' } ] }`;
    const problem = await postJob(`${head}name: x\nstages:\n  one: ${stage("two")}\n  two: ${stage("one")}\n`);
    expect(problem.status).toBe(400);
  });
  test("an alias inside its own anchor and a billion laughs are refused at once", async () => {
    expect((await postJob(`${head}name: x\nenv: &a\n  A: *a\nsteps: [ { run: 'true' } ]\n`)).status).toBe(400);
    const laughs = ["a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]"];
    for (let index = 1; index < 10; index++) {
      const [from, to] = [String.fromCharCode(96 + index), String.fromCharCode(97 + index)];
      laughs.push(`${to}: &${to} [${Array(9).fill(`*${from}`).join(", ")}]`);
    }
    const started = performance.now();
    expect((await postJob(`${head}name: x\n${laughs.join("\n")}\n`)).status).toBe(400);
    expect(performance.now() - started).toBeLessThan(5_000);
  });
  test("5 MB are too large, and are told so before they are read", async () => {
    const problem = await postJob(`${head}name: x\ndescription: ${"x".repeat(5 * 1024 * 1024)}\nsteps: []\n`);
    expect(problem).toMatchObject({ status: 413, code: "payload_too_large" });
  });
  test("no job at all, and broken YAML, name the place", async () => {
    expect((await postJob("")).status).toBeGreaterThanOrEqual(400);
    const problem = await postJob(`${head}name: "x\n`);
    expect(problem.errors?.[0]).toMatchObject({ line: expect.any(Number), column: expect.any(Number) });
  });
});

describe("an execution that cannot be", () => {
  beforeAll(async () => {
    const inputs = "inputs:\n  days: { type: integer, minimum: 1, maximum: 9, required: true }\n";
    await createJob(api, `${head}name: with-inputs\n${inputs}steps:\n  - run: 'true'\n`);
    await createJob(api, `${head}name: plain\nsteps:\n  - run: 'true'\n`);
    await api.post("/api/v1/targets", { name: "printer" });
  });
  const executeJob = (job: string, body: unknown) =>
    problemOf(api.request("POST", `/api/v1/jobs/${job}/execute`, body));
  const targets = { names: ["printer"] };

  test("on a target without an agent says which one", async () => {
    const problem = await executeJob("plain", { targets });
    expect(problem).toMatchObject({ status: 409, detail: expect.stringContaining("printer") });
  });
  test("without any target says how to name some", async () => {
    expect((await executeJob("plain", {})).detail).toMatch(/target/);
    expect((await executeJob("plain", { targets: { select: "label-nobody-has" } })).detail).toMatch(/target/);
    expect((await executeJob("plain", { targets: { names: ["no-such-host"] } })).detail).toContain("no-such-host");
  });
  test.each([
    [{}, /days/],
    [{ days: "soon" }, /days/],
    [{ days: 10 }, /days/],
    [{ days: 1, dys: 2 }, /dys/],
  ])("with inputs %j names the input", async (inputs, named) => {
    const problem = await executeJob("with-inputs", { inputs, targets });
    expect(problem.status).toBeGreaterThanOrEqual(400);
    expect(JSON.stringify([problem.detail, problem.errors])).toMatch(named);
  });
});

describe("a request that cannot be read", () => {
  test.each([
    ["GET", `/api/v1/jobs/${nobody}`],
    ["GET", "/api/v1/jobs/no-such-job"],
    ["GET", `/api/v1/targets/${nobody}`],
    ["GET", `/api/v1/agents/${nobody}`],
    ["GET", `/api/v1/executions/${nobody}`],
    ["GET", `/api/v1/executions/${nobody}/output?target=x&step=y`],
    ["POST", `/api/v1/executions/${nobody}/cancel`],
    ["GET", "/api/v1/no-such-resource"],
  ])("%s %s is not found", async (method, path) => {
    const problem = await problemOf(api.request(method, path, method === "POST" ? {} : undefined));
    expect(problem).toMatchObject({ status: 404, code: "not_found" });
  });
  test("an id that is none is told as such", async () => {
    expect((await problemOf(api.request("GET", "/api/v1/executions/not-an-id"))).status).toBeOneOf([400, 404]);
  });
  test.each(["{", "[1,", "nul", '{"a":1}x', "\u0000"])("malformed JSON %j", async (body) => {
    const headers = { "content-type": "application/json" };
    const problem = await problemOf(api.request("POST", "/api/v1/targets", body, headers));
    expect(problem).toMatchObject({ status: 400, code: "invalid_argument" });
  });
  test("a body of another kind", async () => {
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    expect((await problemOf(api.request("POST", "/api/v1/targets", "name=x", headers))).status).toBe(415);
  });
  test("a body that is too large, also when it does not say so", async () => {
    const large = JSON.stringify({ name: "x", description: "y".repeat(3 * 1024 * 1024) });
    const headers = { "content-type": "application/json" };
    expect((await problemOf(api.request("POST", "/api/v1/targets", large, headers))).status).toBe(413);
    const stream = new Blob([large]).stream();
    const response = await fetch(`${stack.url}/api/v1/targets`, {
      method: "POST",
      headers: { ...headers, authorization: `Bearer ${api.token}` },
      body: stream,
      duplex: "half",
    });
    expect(response.status).toBe(413);
    await response.body?.cancel();
  });
  test("limits and cursors out of range", async () => {
    for (const query of ["limit=0", "limit=1001", "limit=x", "cursor=not-a-cursor"])
      expect((await problemOf(api.request("GET", `/api/v1/jobs?${query}`))).status).toBe(400);
  });
});

describe("a caller who is not who they say", () => {
  test("no token, a broken one, a forged one, one signed with nothing", async () => {
    const [header, payload, signature] = api.token!.split(".") as [string, string, string];
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString());
    const other = Buffer.from(JSON.stringify({ ...claims, sub: nobody })).toString("base64url");
    const none = Buffer.from(JSON.stringify({ alg: "none", typ: "JWT" })).toString("base64url");
    const late = Buffer.from(JSON.stringify({ ...claims, exp: claims.exp + 3600 })).toString("base64url");
    const tokens = [
      undefined,
      "not-a-token",
      `${header}.${other}.${signature}`,
      `${header}.${late}.${signature}`,
      `${none}.${payload}.`,
      `${header}.${payload}.${signature.slice(0, -4)}AAAA`,
    ];
    for (const token of tokens) {
      const problem = await problemOf(new Api(stack.url, token).request("GET", "/api/v1/jobs"));
      expect(problem).toMatchObject({ status: 401, code: "unauthenticated" });
    }
  });
  test("a wrong password and an unknown user get the same answer", async () => {
    const login = (username: string) =>
      problemOf(new Api(stack.url).request("POST", "/api/v1/auth/login", { username, password: "wrong-password" }));
    const [known, unknown] = [await login("admin"), await login("nobody-here")];
    expect([known.status, known.detail]).toEqual([401, unknown.detail]);
    expect(unknown.status).toBe(401);
  });
});

test("after all this the controller is healthy and has logged no unexpected error", async () => {
  expect((await api.request("GET", "/health")).body).toMatchObject({ status: "ok" });
  expect(stack.log()).not.toContain("request.failed");
});
