// Secrets of every class are used once, and then looked for: in a dump of every table, in the log at its finest, in what
// any later answer says, in figures, and in the audit log with its exports. docs/hardening.md names what is kept instead.
import { randomBytes } from "node:crypto";
import { Writable } from "node:stream";
import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { chainAudit } from "../communication/chain-audit.ts";
import { loadCheckpointKey } from "../communication/checkpoints.ts";
import { ensureBuiltInRoles } from "../identity/built-in-roles.ts";
import { OidcProvider } from "../identity/oidc/oidc-provider.ts";
import { startProvider, type TestProvider } from "../identity/oidc/testing/start-provider.ts";
import { loadSharedKey } from "../identity/signing-key.ts";
import { codeAt } from "../identity/totp.ts";
import { type TestContext, testContext } from "../testing/test-context.ts";
import { signedIn, type TestHttp, testHttp } from "../testing/test-http.ts";
import { openApiDocument } from "./openapi.ts";
import { operationsOf } from "./testing/api-operations.ts";
import { Canaries } from "./testing/canaries.ts";

const clientSecret = "a-secret-of-the-tests";
const canaries = new Canaries();
let t: TestContext;
let http: TestHttp;
let provider: TestProvider;
let headers: Record<string, string>;
let logged = "";
beforeAll(async () => {
  provider = await startProvider("http://127.0.0.1:3000/api/v1/auth/oidc/callback");
  const oidc = { oidcIssuer: provider.issuer, oidcClientId: "opsconductor", oidcClientSecret: clientSecret };
  t = await testContext({ ...oidc, oidcCreateUsers: true, oidcDefaultRole: "viewer" });
  const keep = new Writable({
    write: (chunk, _, done) => {
      logged += chunk;
      done();
    },
  });
  t.ctx.log = pino({ level: "trace" }, keep);
  http = testHttp(t.ctx);
  await ensureBuiltInRoles(t.ctx);
  await plantKeys();
  await plantSignIns();
  await plantTokens();
  await plantFactors();
  await plantSignOn();
  await chainAudit(t.ctx);
});
afterAll(async () => {
  await provider.stop();
  await t.close();
});

async function call(method: string, path: string, body?: unknown) {
  const answer = await http.call(method, `/api/v1/${path}`, body, headers);
  expect([path, answer.status < 300]).toEqual([path, true]);
  return answer.body;
}

/** Keys of the cluster: those that are made at the start, and the one that seals them. */
async function plantKeys(): Promise<void> {
  const { key } = await loadSharedKey(t.ctx, "access-token", () => randomBytes(32));
  t.ctx.identity.signingKey = key;
  canaries.plant("key that signs access tokens", key);
  const { privateKey } = await loadCheckpointKey(t.ctx);
  canaries.plant("key that signs checkpoints", privateKey.export({ format: "der", type: "pkcs8" }).subarray(-32));
  canaries.plant("encryption key", Buffer.alloc(32, 1));
  for (const { id, kind, keySealed } of await t.db.owner<{ id: string; kind: string; keySealed: Buffer }[]>`
    select id, kind, key_sealed as "keySealed" from fleet.authorities`)
    canaries.plant(`private key of the ${kind} authority`, t.ctx.keys.open(`fleet.authorities/${id}`, keySealed));
}

async function plantSignIns(): Promise<void> {
  const admin = await signedIn(t.ctx, http);
  ({ headers } = admin);
  canaries.plant("password", admin.password);
  const [, token] = admin.headers.authorization.split(" ");
  canaries.plant("access token", token!);
  canaries.plant("signature of an access token", token!.split(".")[2]!);
  canaries.plant("refresh cookie", admin.cookie.split("=")[1]!);
  const renewed = await http.call("POST", "/api/v1/auth/refresh", undefined, { cookie: admin.cookie });
  canaries.plant("refresh cookie, renewed", renewed.cookie!.split("=")[1]!);
  const wrong = "almost my passw0rd-canary";
  canaries.plant("mistyped password", wrong);
  const login = { username: admin.username, password: wrong };
  expect((await http.call("POST", "/api/v1/auth/login", login)).status).toBe(401);
  expect((await http.call("POST", "/auth/login", login)).status).toBe(401);
  // A body that is cut, and a secret where none belongs.
  await http.app.request("/api/v1/auth/login", {
    method: "POST",
    body: `{"username": "x", "password": "${wrong}`,
    headers: { "content-type": "application/json" },
  });
  await http.call("GET", `/api/v1/jobs?token=${token}`, undefined, headers);
  await http.call("GET", "/api/v1/jobs", undefined, { authorization: `Bearer ${token}x` });
}

async function plantTokens(): Promise<void> {
  const secretOf = (link: { token: string }) => link.token.split(".").at(-1)!;
  canaries.plant(
    "link of an invitation",
    secretOf((await call("POST", "users", { username: "invited", roles: ["viewer"] })).link),
  );
  canaries.plant("link of a reset", secretOf(await call("POST", "users/invited/password-link")));
  canaries.plant("join token", (await call("POST", "enrollment-tokens", {})).token.split(".")[2]);
  const { token } = await call("POST", "auth/tokens", { name: "script", scopes: ["jobs:read"], expiresInDays: 1 });
  canaries.plant("API token", token);
  await http.call("GET", "/api/v1/jobs", undefined, { authorization: `Bearer ${token}` });
}

async function plantFactors(): Promise<void> {
  const { secret } = await call("POST", "auth/factors/totp");
  const seed = seedOf(secret);
  canaries.plant("key of an authenticator", secret);
  canaries.plant("key of an authenticator, its bytes", seed);
  const { codes } = await call("POST", "auth/factors/totp/confirm", { code: codeAt(seed, t.ctx.now()) });
  for (const [i, code] of (codes as string[]).entries()) {
    canaries.plant(`recovery code ${i + 1}`, code);
    canaries.plant(`recovery code ${i + 1}, without its dashes`, code.replaceAll("-", ""));
  }
}

/** Of RFC 4648's base32. */
function seedOf(base32: string): Buffer {
  const bits = [...base32].map((sign) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(sign).toString(2).padStart(5, "0"));
  return Buffer.from(
    bits
      .join("")
      .match(/.{8}/g)!
      .map((byte) => Number.parseInt(byte, 2)),
  );
}

/** Once as it should be, and once with a code that the provider does not know. */
async function plantSignOn(): Promise<void> {
  canaries.plant("client secret of the OpenID provider", clientSecret);
  t.ctx.identity.oidc = new OidcProvider({ ...t.ctx.config, oidcIssuer: provider.issuer });
  await provider.set("people/canary", { preferred_username: "canary", name: "A Person" });
  for (const end of ["/", "/login?sso=invalid"]) {
    const begun = await http.call("GET", "/api/v1/auth/oidc/start");
    const back = await provider.walk(begun.headers.get("location")!, "canary");
    if (end !== "/") back.searchParams.set("code", "invented-code-canary-4417");
    canaries.plant(`code of the OpenID provider, ${end}`, back.searchParams.get("code")!);
    canaries.plant(`state of a sign-on, ${end}`, back.searchParams.get("state")!);
    const done = await http.call("GET", back.pathname + back.search, undefined, { cookie: begun.cookie! });
    expect(done.headers.get("location")).toBe(end);
  }
}

/** As `pg_dump` writes the rows: `COPY … TO STDOUT`, in which bytes are hex. By table. */
async function dump(): Promise<Map<string, string>> {
  const tables = await t.db.owner<{ name: string }[]>`
    select format('%I.%I', nspname, relname) as name from pg_class join pg_namespace n on n.oid = relnamespace
    where relkind = 'r' and nspname not in ('pg_catalog', 'information_schema')`;
  const texts = new Map<string, string>();
  for (const { name } of tables) {
    let text = "";
    for await (const chunk of await t.db.owner.unsafe(`copy ${name} to stdout`).readable()) text += chunk;
    texts.set(name, text);
  }
  return texts;
}

test("secrets of every class were used, and would be seen in any form, inside something longer, too", () => {
  expect(canaries.names.length).toBe(42);
  for (const name of canaries.names)
    for (const form of canaries.formsOf(name)) expect(canaries.found(`a ${form} b`)).toContain(name);
  canaries.plant("of this test", "a sentence of this test");
  for (const before of ["", "x", "xy"])
    for (const form of ["hex", "base64", "base64url"] as const) {
      const text = Buffer.from(`${before}a sentence of this test, and more`).toString(form);
      expect(canaries.found(`${text.slice(0, 20)}\\n${text.slice(20)}`)).toContain("of this test");
    }
});

test("a dump of the database holds none, and one that were kept as it is would be found", async () => {
  const tables = await dump();
  expect(tables.size).toBeGreaterThan(45);
  for (const [name, text] of tables) expect([name, canaries.found(text)]).toEqual([name, []]);
  expect([...tables.values()].filter((text) => text !== "").length).toBeGreaterThan(15);
  await t.db.owner`update identity.totp_factors set seed_sealed = ${seedOf(leakOf("key of an authenticator"))}`;
  await t.db.owner`update identity.users set preferences = ${t.db.owner.json({ note: leakOf("password") })}
    where username = 'invited'`;
  const leaking = await dump();
  expect(canaries.found(leaking.get("identity.totp_factors")!)).toEqual(["key of an authenticator, its bytes"]);
  expect(canaries.found(leaking.get("identity.users")!)).toEqual(["password"]);
  await t.db.owner`update identity.users set preferences = '{}' where username = 'invited'`;
});
const leakOf = (name: string) => canaries.formsOf(name)[0]!;

test("no line of the log holds one, at the finest level", () => {
  expect(logged.length).toBeGreaterThan(2_000);
  expect(canaries.found(logged)).toEqual([]);
});

test("no later answer holds one: pages, lists, single things, figures, the audit log and its exports", async () => {
  const fresh = (await signedIn(t.ctx, http)).headers;
  const [read, reads] = [new Set<string>(), operationsOf(openApiDocument(http.app)).filter((o) => o.method === "GET")];
  const look = async (name: string, path: string) => {
    const answer = await http.call("GET", path, undefined, fresh);
    const text = `${JSON.stringify([...answer.headers])} ${typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body)}`;
    expect([path, canaries.found(text)]).toEqual([path, []]);
    read.add(name);
    return answer.body;
  };
  for (const { name, path } of reads) {
    if (path === "/api/v1/events") continue; // never ends
    if (path.endsWith("/export")) for (const format of ["jsonl", "csv"]) await look(name, `${path}?format=${format}`);
    else if (!path.includes("{")) await look(name, path);
    else if (!/\{.*\{/.test(path)) {
      const { items } = await look(name, path.slice(0, path.indexOf("/{")));
      for (const { id } of items?.slice(0, 3) ?? []) await look(name, path.replace(/\{\w+\}/, id));
    }
  }
  for (const path of ["/metrics", "/health", "/", "/docs", "/openapi.json"]) await look(path, path);
  expect(read.size).toBeGreaterThan(70);
});
