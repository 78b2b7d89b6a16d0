import { pino } from "pino";
import { Registry } from "prom-client";
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

test("an unknown path is a problem with a request id, and the id is in the header too", async () => {
  const answer = await http.call("GET", "/api/v1/nothing");
  expect(answer.status).toBe(404);
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  expect(answer.body).toMatchObject({ code: "not_found", status: 404, type: "urn:opsconductor:problem:not_found" });
  expect(answer.headers.get("x-request-id")).toBe(answer.body.requestId);
});

test("a well-formed request id of the caller is kept, anything else is replaced", async () => {
  const kept = await http.call("GET", "/health/live", undefined, { "x-request-id": "trace-12345678" });
  expect(kept.headers.get("x-request-id")).toBe("trace-12345678");
  const replaced = await http.call("GET", "/health/live", undefined, { "x-request-id": "<script>alert(1)</script>" });
  expect(replaced.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
});

test("the wrong method is 405 and names the right ones", async () => {
  const answer = await http.call("GET", "/api/v1/auth/login");
  expect([answer.status, answer.headers.get("allow"), answer.body.code]).toEqual([405, "POST", "method_not_allowed"]);
  expect((await http.call("POST", "/api/v1/nothing", {})).status).toBe(404);
  expect((await http.call("PUT", "/api/v1/targets")).headers.get("allow")).toBe("GET, HEAD, POST");
  expect((await http.call("GET", "/api/v1/targets/")).body.detail).toContain("There is /api/v1/targets, without");
});

test("a body that is not valid names every wrong field", async () => {
  const answer = await http.call("POST", "/api/v1/auth/login", { username: "", extra: 1 });
  expect([answer.status, answer.body.code]).toEqual([400, "invalid_argument"]);
  const paths = answer.body.errors.map((e: { path: string }) => e.path);
  expect(paths).toEqual(expect.arrayContaining(["username", "password"]));
  expect(JSON.stringify(answer.body.errors)).toContain("extra");
});

test("malformed JSON is a 400, another content type a 415, a large body a 413", async () => {
  const post = (body: string, type: string) =>
    http.app.request("/api/v1/auth/login", { method: "POST", body, headers: { "content-type": type } });
  const answers = await Promise.all([
    post('{"username": ', "application/json"),
    post("a: b", "text/yaml"),
    post(`"${"x".repeat(1024 * 1024)}"`, "application/json"),
  ]);
  expect(answers.map((a) => a.status)).toEqual([400, 415, 413]);
  for (const answer of answers) expect(answer.headers.get("content-type")).toBe("application/problem+json");
  expect(((await answers[0]!.json()) as { detail: string }).detail).toMatch(/JSON/i);
});

test("what is wrong with a body as JSON is told in words", async () => {
  const post = async (body: string | Buffer<ArrayBuffer>, more: Record<string, string> = {}) => {
    const headers = { "content-type": "application/json", ...more };
    const answer = await http.app.request("/api/v1/auth/login", { method: "POST", body, headers });
    return (await answer.json()) as { status: number; detail: string; errors?: { path: string }[] };
  };
  expect(await post("")).toMatchObject({ status: 400, detail: "The body is empty: send a JSON object." });
  expect((await post('{"username": "a",}')).detail).toMatch(/^The body is not valid JSON: .*column/);
  expect((await post(Buffer.from([0x22, 0xff, 0x22]))).detail).toContain("UTF-8");
  expect((await post("[".repeat(100) + "]".repeat(100))).detail).toContain("64 levels");
  const twice = await post('{"username": "a", "password": "b", "\\u0075sername": "c"}');
  expect(twice).toMatchObject({ status: 400, errors: [{ path: "username" }] });
  expect(twice.detail).toBe("username stands twice in the same object; keep one.");
  expect((await post('{"username": "a\\u0000"}')).detail).toContain("username has a NUL character");
  expect((await post("[".repeat(30_000) + "]".repeat(30_000))).detail).toContain("64 levels");
  expect(await post("x", { "content-encoding": "gzip" })).toMatchObject({ status: 415 });
});

test("an empty body where one is optional is an empty object, also with a content type", async () => {
  const { headers } = await signedIn(t.ctx, http);
  for (const type of ["application/json", "application/json; charset=utf-8", undefined]) {
    const more: Record<string, string> = type ? { "content-type": type } : {};
    const path = "/api/v1/jobs/none/execute";
    const answer = await http.app.request(path, { method: "POST", headers: { ...headers, ...more } });
    expect([type, answer.status]).toEqual([type, 404]);
  }
});

test("a write from a page of another site is refused, whatever it carries", async () => {
  const body = { username: "admin", password: "x" };
  const login = (headers: Record<string, string>) => http.call("POST", "/api/v1/auth/login", body, headers);
  for (const headers of [
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
    { origin: "https://evil.example", host: "ops.example" },
    { origin: "null", host: "ops.example" },
  ] as Record<string, string>[])
    expect((await login(headers)).status).toBe(403);
  for (const headers of [
    { "sec-fetch-site": "same-origin" },
    { origin: "https://ops.example", host: "ops.example" },
    {},
  ] as Record<string, string>[])
    expect((await login(headers)).status).toBe(401);
});

test("answers carry the security headers, and API answers are not cached", async () => {
  const { headers } = await http.call("GET", "/api/v1/nothing");
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  expect(headers.get("cache-control")).toBe("no-store");
  expect(headers.get("content-security-policy")).toBeNull();
  expect(headers.get("strict-transport-security")).toBeNull();
});

test("HEAD is answered like GET, without a body", async () => {
  const answer = await http.app.request("/health/live", { method: "HEAD" });
  expect([answer.status, await answer.text()]).toEqual([200, ""]);
});

test("HEAD of the event stream is refused: it would open a stream for nobody", async () => {
  const { headers } = await signedIn(t.ctx, http);
  const answer = await http.app.request("/api/v1/events?topics=agents", { method: "HEAD", headers });
  expect(answer.status).toBe(405);
});

test("an unexpected error says nothing about the inside", async () => {
  const broken = testHttp({
    ...t.ctx,
    metrics: new Registry(),
    sql: (() => {
      throw new Error("secret detail");
    }) as never,
  });
  const answer = await broken.call("POST", "/api/v1/auth/login", { username: "a", password: "b" });
  expect([answer.status, answer.body.code]).toEqual([500, "internal"]);
  expect(JSON.stringify(answer.body)).not.toContain("secret detail");
});

test("a ticket is in no log line, also when its download fails", async () => {
  const lines: string[] = [];
  const log = pino({ level: "trace" }, { write: (line: string) => void lines.push(line) });
  const sql = () => Promise.reject(new Error("broken"));
  const broken = testHttp({ ...t.ctx, log, sql: sql as never, metrics: new Registry() });
  const ticket = "a-secret-ticket".padEnd(43, "x");
  expect((await broken.call("GET", `/api/v1/downloads/${ticket}`)).status).toBe(500);
  expect(lines.join("")).toContain("/downloads/[ticket]");
  expect(lines.join("")).not.toContain(ticket);
});

test("health answers 200 when all parts work and 503 when one fails or hangs", async () => {
  t.ctx.health.set("database", () => ({ status: "ok" }));
  expect((await http.call("GET", "/health")).body).toMatchObject({
    status: "ok",
    parts: { database: { status: "ok" } },
  });
  t.ctx.health.set("queue", () => Promise.reject(new Error("password=hunter2")));
  const failing = await http.call("GET", "/health");
  expect([failing.status, failing.body.parts.queue.status]).toEqual([503, "failing"]);
  expect(JSON.stringify(failing.body)).not.toContain("hunter2");
  t.ctx.health.delete("queue");
});

test("metrics need a token when they are not asked for from this machine", async () => {
  expect((await http.call("GET", "/metrics")).status).toBe(401);
  const { headers } = await signedIn(t.ctx, http, ["system:read"]);
  const answer = await http.call("GET", "/metrics", undefined, headers);
  expect(answer.status).toBe(200);
  expect(answer.body).toContain('opsconductor_http_request_seconds_count{route="GET /metrics",status="401"}');
});

test("the OpenAPI document is 3.1 and lists the routes with their bodies", async () => {
  const { body } = await http.call("GET", "/openapi.json");
  expect(body.openapi).toBe("3.1.0");
  expect(body.paths["/api/v1/auth/login"].post.requestBody.content["application/json"].schema.required).toEqual([
    "username",
    "password",
  ]);
  expect(body.components.securitySchemes.accessToken.scheme).toBe("bearer");
});

test("the documentation pages load only files that we serve", async () => {
  for (const path of ["/docs", "/redoc"]) {
    const page = await http.call("GET", path);
    expect(page.headers.get("content-security-policy")).toContain("script-src 'self'");
    const files = [...String(page.body).matchAll(/(?:src|href)="([^"]+)"/g)]
      .map(([, path]) => path!)
      .filter((path) => !path.startsWith("data:"));
    expect(files.length).toBeGreaterThan(1);
    for (const file of files) {
      const { status, body } = await http.call("GET", file);
      expect([file, status, String(body).includes("https://cdn")]).toEqual([file, 200, false]);
    }
  }
  expect((await http.call("GET", "/docs/constructor")).status).toBe(404);
});

test("the system page tells versions and addresses", async () => {
  const { headers } = await signedIn(t.ctx, http);
  const { body } = await http.call("GET", "/api/v1/system", undefined, headers);
  expect(body).toMatchObject({
    clusterId: t.ctx.clusterId,
    secure: false,
    database: { embedded: true, schemaVersion: 1 },
  });
  expect(body.database.version).toMatch(/^18\./);
  expect(body.database.sizeBytes).toBeGreaterThan(1_000_000);
});
