// Secrets of every class are used once, and then looked for: in every row of every table, in the log at its finest, in what
// any later answer says, and in the audit log with its export.
import { Writable } from "node:stream";
import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { chainAudit } from "../communication/chain-audit.ts";
import { ensureBuiltInRoles } from "../identity/built-in-roles.ts";
import { type TestContext, testContext } from "../testing/test-context.ts";
import { signedIn, type TestHttp, testHttp } from "../testing/test-http.ts";
import { openApiDocument } from "./openapi.ts";
import { operationsOf } from "./testing/api-operations.ts";

let t: TestContext;
let http: TestHttp;
let headers: Record<string, string>;
let logged = "";
const secrets = new Map<string, string>();
beforeAll(async () => {
  t = await testContext();
  const keep = new Writable({
    write: (chunk, _, done) => {
      logged += chunk;
      done();
    },
  });
  t.ctx.log = pino({ level: "trace" }, keep);
  http = testHttp(t.ctx);
  await ensureBuiltInRoles(t.ctx);
  await plant();
  await chainAudit(t.ctx);
});
afterAll(() => t.close());

async function plant(): Promise<void> {
  const call = async (method: string, path: string, body?: unknown) => {
    const answer = await http.call(method, `/api/v1/${path}`, body, headers);
    expect([path, answer.status < 300]).toEqual([path, true]);
    return answer.body;
  };
  const admin = await signedIn(t.ctx, http);
  ({ headers } = admin);
  secrets.set("password", admin.password);
  secrets.set("access token", admin.headers.authorization.slice("Bearer ".length));
  secrets.set("refresh token", admin.cookie.split("=")[1]!);
  secrets.set("mistyped password", "almost my passw0rd-canary");
  const login = { username: admin.username, password: secrets.get("mistyped password") };
  expect((await http.call("POST", "/api/v1/auth/login", login)).status).toBe(401);
  expect((await http.call("POST", "/auth/login", login)).status).toBe(401);
  // A body that is cut, and a secret where none belongs.
  const cut = `{"username": "x", "password": "${secrets.get("mistyped password")}`;
  await http.app.request("/api/v1/auth/login", {
    method: "POST",
    body: cut,
    headers: { "content-type": "application/json" },
  });
  await http.call("GET", `/api/v1/jobs?token=${secrets.get("access token")}`, undefined, headers);
  await http.call("GET", "/api/v1/jobs", undefined, { authorization: `Bearer ${secrets.get("access token")}x` });
  const invited = await call("POST", "users", { username: "invited", roles: ["viewer"] });
  const link = invited.passwordLink ?? (await call("POST", "users/invited/password-link"));
  secrets.set("link of an invitation", /[A-Za-z0-9_-]{20,}/.exec(JSON.stringify(link.token ?? link.url ?? link))![0]);
  secrets.set("join token", (await call("POST", "enrollment-tokens", {})).token.split(".")[2]);
  const api = await call("POST", "auth/tokens", { name: "script", scopes: ["jobs:read"], expiresInDays: 1 });
  secrets.set("API token", api.token);
  await http.call("GET", "/api/v1/jobs", undefined, { authorization: `Bearer ${api.token}` });
  const totp = await call("POST", "auth/factors/totp");
  secrets.set("key of an authenticator", totp.secret ?? /secret=([A-Z2-7]+)/.exec(JSON.stringify(totp))![1]);
  const next = "a new password-canary 7";
  secrets.set("new password", next);
  await call("POST", "auth/password", { currentPassword: admin.password, newPassword: next });
}

/** As it is, and as what a table or a log may have made of it. */
function found(text: string): string[] {
  return [...secrets].flatMap(([name, secret]) => {
    const bytes = Buffer.from(secret);
    const forms = [
      secret,
      bytes.toString("hex"),
      bytes.toString("base64").replace(/=+$/, ""),
      bytes.toString("base64url"),
    ];
    return forms.some((form) => text.includes(form)) ? [name] : [];
  });
}

test("nine classes of secrets were used, and would be seen in any form", () => {
  for (const [name, secret] of secrets) expect(found(`a ${Buffer.from(secret).toString("hex")} b`)).toContain(name);
  expect(secrets.size).toBe(9);
  for (const [name, secret] of secrets) expect([name, secret?.length > 15]).toEqual([name, true]);
});

test("no row of any table holds one", async () => {
  const tables = await t.db.owner<{ name: string }[]>`
    select format('%I.%I', schemaname, tablename) as name from pg_tables
    where schemaname not in ('pg_catalog', 'information_schema')`;
  expect(tables.length).toBeGreaterThan(30);
  let rows = 0;
  for (const { name } of tables)
    for (const { row } of await t.db.owner.unsafe<{ row: string }[]>(`select r::text as row from ${name} r`)) {
      rows++;
      expect([name, found(row)]).toEqual([name, []]);
    }
  expect(rows).toBeGreaterThan(30);
});

test("no line of the log holds one, at the finest level", () => {
  expect(logged.length).toBeGreaterThan(2_000);
  expect(found(logged)).toEqual([]);
});

test("no later answer holds one, the audit log and its exports included", async () => {
  const fresh = (await signedIn(t.ctx, http)).headers;
  let read = 0;
  for (const { name, method, path } of operationsOf(openApiDocument(http.app))) {
    if (method !== "GET" || path === "/api/v1/events" || path.includes("{")) continue;
    for (const query of path.endsWith("/export") ? ["?format=jsonl", "?format=csv"] : [""]) {
      const answer = await http.call("GET", path + query, undefined, fresh);
      const text = typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body);
      expect([name, found(text)]).toEqual([name, []]);
      read++;
    }
  }
  for (const id of ["invited", (await t.ctx.sql`select id from identity.users limit 1`)[0]!.id])
    expect(found(JSON.stringify((await http.call("GET", `/api/v1/users/${id}`, undefined, fresh)).body))).toEqual([]);
  expect(read).toBeGreaterThan(25);
});
