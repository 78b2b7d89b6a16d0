// What a running server adds to every class of path, and whom it refuses: headers, other origins, proxies, limits.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Registry } from "prom-client";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type Config, loadConfig, settings } from "../config.ts";
import { type TestContext, testContext } from "../testing/test-context.ts";
import { signedIn, type TestHttp, testHttp } from "../testing/test-http.ts";
import { startHttpServer } from "./server.ts";
import { get } from "./testing/get.ts";

const folder = mkdtempSync(join(tmpdir(), "hardening-"));
let t: TestContext;
let token: { authorization: string };
let ca: string;
let http: TestHttp;
const running: Awaited<ReturnType<typeof startHttpServer>>[] = [];
beforeAll(async () => {
  mkdirSync(join(folder, "_app/immutable"), { recursive: true });
  writeFileSync(join(folder, "index.html"), "<!doctype html><script>start()</script>");
  writeFileSync(join(folder, "_app/immutable/a.js"), "1;");
  t = await testContext();
  http = testHttp(t.ctx);
  token = (await signedIn(t.ctx, http)).headers;
  ca = t.ctx.authority.bundlePem;
});
afterEach(() => Promise.all(running.splice(0).map((server) => server.stop())));
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await t.close();
});

async function serve(config: Partial<Config> = {}, options?: { checkCertificateMs: number }): Promise<string> {
  const own = { httpAddr: { host: "127.0.0.1", port: 0 }, consoleDir: folder, ...config };
  const ctx = { ...t.ctx, metrics: new Registry(), config: { ...t.ctx.config, ...own } };
  const server = await startHttpServer(ctx, options);
  running.push(server);
  const secure = own.httpAddr.host !== "127.0.0.1" || own.tlsCertFile !== undefined;
  return `${secure ? "https://localhost" : "http://127.0.0.1"}:${server.port}`;
}
/** What these variables set, and nothing else. */
function config(env: Record<string, string>): Partial<Config> {
  const keys = settings.filter((setting) => setting.env in env).map(({ key }) => key);
  const all = loadConfig(env);
  return Object.fromEntries(keys.map((key) => [key, all[key]]));
}

const paths: [what: string, path: string, headers: Record<string, string>][] = [
  ["a page", "/agents", { accept: "text/html" }],
  ["a file of the console", "/_app/immutable/a.js", {}],
  ["a file that is not there", "/_app/immutable/b.js", {}],
  ["the API", "/api/v1/jobs", {}],
  ["a refusal", "/api/v1/users", { authorization: "Bearer x" }],
  ["nothing", "/api/v1/nothing", {}],
  ["an export", "/api/v1/audit/export", {}],
  ["the original's paths", "/jobs", {}],
  ["the health", "/health", {}],
  ["metrics", "/metrics", {}],
  ["the document", "/openapi.json", {}],
  ["its page", "/docs", { accept: "text/html" }],
  ["its other page", "/redoc", { accept: "text/html" }],
  ["the first page", "/", { accept: "text/html" }],
  ["a page that nobody made", "/nothing/here", { accept: "text/html" }],
  ["the installer", "/install.sh", {}],
  ["the authority", "/ca.pem", {}],
];

test.each(paths)(
  "%s comes with every header that a browser needs to keep it in its place",
  async (_, path, headers) => {
    const url = await serve({ httpAddr: { host: "0.0.0.0", port: 0 } });
    const answer = await get(`${url}${path}`, { ca, headers: { ...token, ...headers } });
    expect(answer.headers).toMatchObject({
      "x-content-type-options": "nosniff",
      "referrer-policy": "same-origin",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-resource-policy": "same-origin",
      "strict-transport-security": "max-age=31536000",
      "x-request-id": expect.any(String),
    });
    expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
    expect(answer.headers["x-powered-by"] ?? answer.headers.server).toBeUndefined();
    if (path.startsWith("/api/")) expect(answer.headers["cache-control"]).toBe("no-store");
    if (!answer.headers["content-type"]?.startsWith("text/html")) return;
    const policy = answer.headers["content-security-policy"];
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/script-src[^;]*'unsafe/);
    // Swagger UI and ReDoc write to HTML sinks by themselves: these two pages, and nothing else.
    const isExcepted = ["/docs", "/redoc"].includes(path);
    expect(policy?.includes("require-trusted-types-for 'script'")).toBe(!isExcepted);
    if (isExcepted) expect(policy).toContain("script-src 'self';");
    expect(answer.headers["x-frame-options"]).toBe("DENY");
    expect(answer.headers["permissions-policy"]).toContain("camera=()");
  },
);

test("without TLS nothing is said about it", async () => {
  const answer = await get(`${await serve()}/health/live`);
  expect(answer.headers["strict-transport-security"]).toBeUndefined();
});

test("no other origin may read or write, unless it is configured", async () => {
  const friend = "https://portal.example.org";
  const asked = { origin: friend, "sec-fetch-site": "cross-site", "content-type": "application/json", ...token };
  const preflight = { origin: friend, "access-control-request-method": "POST" };
  const closed = await serve();
  expect((await get(`${closed}/api/v1/jobs`, { headers: asked })).headers["access-control-allow-origin"]).toBe(
    undefined,
  );
  expect((await get(`${closed}/api/v1/jobs`, { method: "OPTIONS", headers: preflight })).status).toBe(405);
  expect(
    (await get(`${closed}/api/v1/jobs/validate`, { method: "POST", headers: asked }, Buffer.from("{}"))).status,
  ).toBe(403);
  const open = await serve(config({ OC_CORS_ORIGINS: friend }));
  const answer = await get(`${open}/api/v1/jobs/validate`, { method: "POST", headers: asked }, Buffer.from("{}"));
  expect([answer.status, answer.headers["access-control-allow-origin"]]).toEqual([200, friend]);
  expect(answer.headers["access-control-allow-credentials"]).toBeUndefined();
  const flight = await get(`${open}/api/v1/jobs`, { method: "OPTIONS", headers: preflight });
  expect([flight.status, flight.headers["access-control-allow-methods"]]).toEqual([
    204,
    expect.stringContaining("POST"),
  ]);
  for (const path of ["login", "login/code", "passkey", "refresh", "logout"]) {
    const { status } = await get(`${open}/api/v1/auth/${path}`, { method: "POST", headers: asked }, Buffer.from("{}"));
    expect([path, status]).toEqual([path, 403]);
  }
  const stranger = { ...asked, origin: "https://evil.example" };
  const refused = await get(`${open}/api/v1/jobs/validate`, { method: "POST", headers: stranger }, Buffer.from("{}"));
  expect([refused.status, refused.headers["access-control-allow-origin"]]).toEqual([403, undefined]);
});

test("only named proxies are believed, as far as they vouch for each other", async () => {
  const addressOf = async (trust: string, forwarded: string) => {
    const url = await serve(config({ TRUST_PROXY: trust }));
    const headers = { "content-type": "application/json", "x-forwarded-for": forwarded };
    const body = Buffer.from(JSON.stringify({ username: "nobody", password: "wrong" }));
    await get(`${url}/api/v1/auth/login`, { method: "POST", headers }, body);
    const [row] = await t.ctx.sql<{ address: string }[]>`
      select address from communication.audit where action = 'user.sign_in_refused' order by id desc limit 1`;
    return row!.address;
  };
  const chain = "6.6.6.6, 203.0.113.9, 10.1.2.3";
  expect(await addressOf("127.0.0.1,10.0.0.0/8", chain)).toBe("203.0.113.9");
  expect(await addressOf("127.0.0.1", chain)).toBe("10.1.2.3");
  expect(await addressOf("10.0.0.0/8", chain)).toBe("127.0.0.1");
  expect(await addressOf("127.0.0.0/8,::1", "10.9.9.9, nonsense")).toBe("nonsense");
});

test("settings that cannot be meant are told", () => {
  expect(() => config({ TRUST_PROXY: "10.0.0.0/40" })).toThrow("10.0.0.0/40 is none");
  expect(() => config({ OC_CORS_ORIGINS: "*" })).toThrow("* is none");
  expect(() => config({ OC_CORS_ORIGINS: "https://a.example/path" })).toThrow("is none");
  expect(() => config({ OC_RATE_LIMIT: "many" })).toThrow("whole number");
});

test("an account that asks too much waits, and others and the health do not", async () => {
  const url = await serve({ rateLimit: 5 });
  const ask = (path: string, headers: Record<string, string> = token) => get(`${url}${path}`, { headers });
  const answers = await Promise.all(Array.from({ length: 30 }, () => ask("/api/v1/auth/me")));
  const refused = answers.filter((a) => a.status === 429);
  expect(refused.length).toBeGreaterThanOrEqual(15);
  expect(refused[0]!.headers["retry-after"]).toBe("1");
  expect(JSON.parse(refused[0]!.text)).toMatchObject({ code: "rate_limited", detail: expect.stringContaining("1 s") });
  const other = (await signedIn(t.ctx, http)).headers;
  expect((await ask("/api/v1/auth/me", other)).status).toBe(200);
  for (const path of ["/health", "/health/live", "/metrics"]) expect((await ask(path)).status).toBe(200);
  expect((await ask("/metrics")).text).toMatch(/oc_http_rate_limited_total\{class="account"\} (1[5-9]|2\d)/);
  await expect.poll(() => ask("/api/v1/auth/me").then((a) => a.status)).toBe(200);
});

test("an address without a valid token, or with too many proofs to check, waits; who is signed in does not", async () => {
  const url = await serve();
  const statuses = async (count: number, send: () => Promise<{ status: number }>) => {
    const found = new Set<number>();
    for (let sent = 0; sent < count; sent += 50)
      for (const { status } of await Promise.all(Array.from({ length: 50 }, send))) found.add(status);
    return [...found].sort();
  };
  const guess = () => get(`${url}/api/v1/jobs`, { headers: { authorization: "Bearer guess" } });
  expect(await statuses(900, guess)).toEqual([401, 429]);
  expect((await get(`${url}/api/v1/jobs`, { headers: token })).status).toBe(200);
  const headers = { "content-type": "application/json" };
  const prove = () => get(`${url}/api/v1/auth/refresh`, { method: "POST", headers });
  expect(await statuses(300, prove)).toEqual([401, 429]);
  expect((await get(`${url}/api/v1/jobs`, { headers: token })).status).toBe(200);
});

test("who is not signed in may send 64 KiB, who is a megabyte, and more where definitions are", async () => {
  const url = await serve();
  const send = async (path: string, bytes: number, headers: Record<string, string>, type = "text/yaml") => {
    const options = { method: "POST", headers: { "content-type": type, ...headers } };
    const { status, text } = await get(`${url}${path}`, options, Buffer.alloc(bytes, "x"));
    return `${status} ${JSON.parse(text).detail ?? text}`;
  };
  const mebibyte = 1024 * 1024;
  expect(await send("/api/v1/auth/login", 70_000, {})).toContain("413 The body is larger than 64 KiB");
  expect(await send("/api/v1/jobs", 70_000, {})).toContain("401");
  expect(await send("/api/v1/jobs/validate", 70_000, token)).toMatch(/^200 /);
  expect(await send("/api/v1/groups", 1.5 * mebibyte, token, "application/json")).toContain(
    "413 The body is larger than 1 MiB",
  );
  expect(await send("/api/v1/jobs/validate", 3 * mebibyte, token)).toContain(
    "the definition is 3.0 MiB; at most 1 MiB",
  );
  expect(await send("/api/v1/jobs", 5 * mebibyte, token)).toContain("413 The body is larger than 4 MiB");
  expect(await send("/api/v1/job-imports", 17 * mebibyte, token, "application/zip")).toContain(
    "400 The file cannot be read",
  );
  expect(await send("/api/v1/job-imports", 18 * mebibyte, token, "application/zip")).toContain(
    "413 The body is larger than 17 MiB",
  );
});

test("a renewed certificate serves without a restart, and a broken one does not end the old one", async () => {
  const [tlsCertFile, tlsKeyFile] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const write = (pair: { chainPem: string; keyPem: string }) => {
    writeFileSync(tlsKeyFile, pair.keyPem);
    writeFileSync(tlsCertFile, pair.chainPem);
  };
  write(await t.ctx.authority.issueHttpCertificate(["localhost"]));
  const url = await serve({ tlsCertFile, tlsKeyFile }, { checkCertificateMs: 20 });
  const stranger = () => get(url.replace("localhost", "127.0.0.1"), { ca }).then(({ status }) => status);
  await expect(stranger()).rejects.toThrow(/altnames/);
  writeFileSync(tlsCertFile, "nonsense");
  await expect.poll(() => get(`${url}/health/live`, { ca }).then(({ status }) => status)).toBe(200);
  write(await t.ctx.authority.issueHttpCertificate(["localhost", "127.0.0.1"]));
  await expect.poll(() => stranger().catch(() => 0)).toBe(200);
});
