// A program written against the original, and a browser that opens the same paths.
import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestContext, testContext } from "../../../testing/test-context.ts";
import { signedIn, type TestHttp, testHttp } from "../../../testing/test-http.ts";

let t: TestContext;
let http: TestHttp;
let headers: Record<string, string>;
beforeAll(async () => {
  t = await testContext();
  http = testHttp(t.ctx);
  ({ headers } = await signedIn(t.ctx, http));
});
afterAll(() => t.close());
const get = (path: string, more: Record<string, string> = {}) =>
  http.call("GET", path, undefined, { ...headers, ...more });

test("sign-in, refresh and sign-out carry both tokens in the body", async () => {
  const { username, password } = await signedIn(t.ctx, http);
  const login = await http.call("POST", "/auth/login", { username, password });
  expect(login.body).toMatchObject({
    token_type: "bearer",
    expires_in: 600,
    user: { username, is_admin: true, is_active: true },
  });
  expect(login.cookie).toBeUndefined();
  const { body } = await http.call("POST", "/auth/refresh", { refresh_token: login.body.refresh_token });
  expect(body.refresh_token).not.toBe(login.body.refresh_token);
  const bearer = { authorization: `Bearer ${body.access_token}` };
  expect((await http.call("GET", "/targets", undefined, bearer)).status).toBe(200);
  expect((await http.call("POST", "/auth/logout", { refresh_token: body.refresh_token })).body).toEqual({
    success: true,
  });
  expect((await http.call("GET", "/targets", undefined, bearer)).status).toBe(401);
});

test("targets are added, listed by skip and limit with their total, found and removed", async () => {
  for (const name of ["db-1", "web-1", "web-2"]) {
    const body = {
      name,
      ip_address: "10.0.0.1",
      os_type: "linux",
      tags: ["env=prod", "frozen"],
      services: [{ service_type: "ssh", port: 22 }],
    };
    expect((await http.call("POST", "/targets", body, headers)).status).toBe(201);
  }
  const { body } = await get("/targets?skip=1&limit=1");
  expect(body).toMatchObject({
    total: 3,
    skip: 1,
    limit: 1,
    targets: [{ name: "web-1", ip_address: "10.0.0.1", tags: ["env=prod", "frozen"] }],
  });
  expect((await get(`/api/v1/targets/${body.targets[0].id}`)).body.labels).toEqual({ env: "prod", frozen: "" });
  expect((await http.call("DELETE", "/targets/web-1", undefined, headers)).status).toBe(204);
  expect((await get("/targets/web-1")).status).toBe(404);
});

test("a target that the inventory's rules refuse is refused at its field", async () => {
  const { status, body } = await http.call("POST", "/targets", { name: "no spaces please" }, headers);
  expect([status, body.errors[0].path]).toEqual([400, "name"]);
});

test("a job is listed, executed, and its execution tells the original's words", async () => {
  const definition =
    "apiVersion: opsconductor/v1\nkind: Job\nname: hello\ntargets: { select: 'name=db-1' }\nsteps:\n  - run: echo hello\n";
  expect((await http.call("POST", "/api/v1/jobs", { definition }, headers)).status).toBe(201);
  const agentId = t.ctx.newId();
  await t.ctx.sql`insert into fleet.agents (id, name, status, identity_key, sealing_key)
    values (${agentId}, 'web-2', 'active', ${Buffer.from(agentId)}, 'x')`;
  await t.ctx.sql`update assets.targets set managed_by_agent_id = ${agentId} where name = 'web-2'`;
  const { body: jobs } = await get("/jobs");
  expect(jobs).toMatchObject({ total: 1, jobs: [{ name: "hello", is_enabled: true, version: 1 }] });
  const started = await http.call("POST", `/jobs/${jobs.jobs[0].id}/execute`, { targets: ["web-2"] }, headers);
  const { body: executions } = await get("/executions");
  expect([started.status, started.body]).toEqual([
    201,
    expect.objectContaining({ job_name: "hello", status: "pending" }),
  ]);
  expect(executions).toMatchObject({ total: 1, executions: [{ execution_id: started.body.id }] });
  expect((await get(`/executions/${started.body.id}`)).body.job_name).toBe("hello");
});

test("more than 10,000 skipped rows are refused", async () => {
  expect((await get("/executions?skip=10001")).status).toBe(400);
});

test("a browser that opens such a path gets the console, a program the resource, and caches can tell", async () => {
  for (const path of ["/targets", "/jobs", "/jobs/hello", "/executions"]) {
    const page = await http.call("GET", path, undefined, { accept: "text/html,application/xhtml+xml" });
    expect([path, page.headers.get("content-type")]).toEqual([path, expect.stringContaining("text/html")]);
    expect(page.headers.get("vary")).toContain("Accept");
    const resource = await get(path);
    expect([path, resource.status, resource.headers.get("vary")]).toEqual([path, 200, "Accept"]);
  }
  for (const path of ["/docs", "/redoc"]) {
    const page = await http.call("GET", path, undefined, { accept: "text/html" });
    expect(page.body).toContain("start.js");
    expect(page.headers.get("content-security-policy")).toContain("worker-src 'self' blob:");
  }
  expect((await http.call("GET", "/api/v1/targets", undefined, { accept: "text/html" })).status).toBe(401);
});
