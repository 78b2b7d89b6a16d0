// What only a real socket shows: TLS, addresses, large uploads, the console's files.
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { Registry } from "prom-client";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Config } from "../config.ts";
import { type TestContext, testContext } from "../testing/test-context.ts";
import { startHttpServer } from "./server.ts";
import { get } from "./testing/get.ts";

let t: TestContext;
const running: Awaited<ReturnType<typeof startHttpServer>>[] = [];
beforeAll(async () => {
  t = await testContext();
});
afterEach(() => Promise.all(running.splice(0).map((server) => server.stop())));
afterAll(() => t.close());

async function serve(config: Partial<Config>): Promise<number> {
  const ctx = { ...t.ctx, metrics: new Registry(), config: { ...t.ctx.config, ...config } };
  const server = await startHttpServer(ctx);
  running.push(server);
  return server.port;
}
const loopback = { httpAddr: { host: "127.0.0.1", port: 0 } };
const everywhere = { httpAddr: { host: "0.0.0.0", port: 0 } };

test("away from loopback it speaks TLS with a certificate of the cluster's own authority", async () => {
  const port = await serve(everywhere);
  const answer = await get(`https://localhost:${port}/health/live`, { ca: t.ctx.authority.bundlePem });
  expect([answer.status, answer.text]).toEqual([200, "ok"]);
  expect(answer.headers["strict-transport-security"]).toContain("max-age=");
  await expect(get(`https://localhost:${port}/health/live`)).rejects.toThrow(/certificate/);
  await expect(get(`http://localhost:${port}/health/live`)).rejects.toThrow();
});

test("the operator's own certificate is served when it is configured", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tls-"));
  const own = await t.ctx.authority.issueHttpCertificate(["ops.example.org", "localhost"]);
  const [tlsCertFile, tlsKeyFile] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  writeFileSync(tlsCertFile, own.chainPem);
  writeFileSync(tlsKeyFile, own.keyPem);
  const port = await serve({ ...loopback, tlsCertFile, tlsKeyFile });
  expect((await get(`https://localhost:${port}/health/live`, { ca: t.ctx.authority.bundlePem })).status).toBe(200);
  const other = await t.ctx.authority.issueHttpCertificate(["localhost"]);
  writeFileSync(tlsKeyFile, other.keyPem);
  await expect(serve({ ...loopback, tlsCertFile, tlsKeyFile })).rejects.toThrow(/do not make a working pair/);
  await expect(serve({ ...loopback, tlsCertFile: join(folder, "none"), tlsKeyFile })).rejects.toThrow(
    /^OC_TLS_CERT_FILE: ENOENT/,
  );
});

test("a taken port and a foreign address are told with the setting's name", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => other.once("listening", resolve));
  const { port } = other.address() as { port: number };
  await expect(serve({ httpAddr: { host: "127.0.0.1", port } })).rejects.toThrow(
    `OC_HTTP_ADDR: 127.0.0.1:${port} is taken`,
  );
  other.close();
  const foreign = serve({ httpAddr: { host: "192.0.2.1", port: 0 }, trustProxy: true });
  await expect(foreign).rejects.toThrow("OC_HTTP_ADDR: 192.0.2.1:0 is not an address of this machine");
});

test("an upload of five megabytes is refused, announced or not, and the server goes on", async () => {
  const port = await serve(loopback);
  const url = `http://127.0.0.1:${port}/api/v1/auth/login`;
  const body = Buffer.alloc(5 * 1024 * 1024, "x");
  const type = { "content-type": "application/json" };
  const announced = await get(
    url,
    { method: "POST", headers: { ...type, "content-length": String(body.length) } },
    body,
  );
  expect([announced.status, JSON.parse(announced.text).code]).toEqual([413, "payload_too_large"]);
  const chunked = await get(url, { method: "POST", headers: { ...type, "transfer-encoding": "chunked" } }, body);
  expect([chunked.status, JSON.parse(chunked.text).code]).toEqual([413, "payload_too_large"]);
  const small = { method: "POST", headers: { ...type, "transfer-encoding": "chunked" } };
  const read = await get(url, small, Buffer.from('{"user": "nobody"}'));
  expect([read.status, read.text]).toEqual([400, expect.stringContaining("username")]);
  expect((await get(`http://127.0.0.1:${port}/health/live`)).status).toBe(200);
});

test("metrics are open to this machine itself, and not to what came through a proxy", async () => {
  const port = await serve(loopback);
  const metrics = (headers = {}) => get(`http://127.0.0.1:${port}/metrics`, { headers });
  expect((await metrics()).text).toContain("opsconductor_http_request_seconds");
  expect((await metrics({ "x-forwarded-for": "127.0.0.1" })).status).toBe(401);
  expect((await metrics({ host: `localhost:${port}` })).status).toBe(200);
  expect((await metrics({ host: `[::1]:${port}` })).status).toBe(200);
  const named = await serve({ ...loopback, httpHosts: ["own.example"] });
  const asOwn = { headers: { host: `own.example:${named}` } };
  expect((await get(`http://127.0.0.1:${named}/metrics`, asOwn)).status).toBe(401);
});

/** As which host we are asked, and what comes: the page of a stranger may give loopback a name of its own. */
const hostCases: { config: Partial<Config>; host: string; forwarded?: string; status: number }[] = [
  { config: {}, host: "rebound.example:80", status: 421 },
  { config: {}, host: "127.0.0.1.rebound.example", status: 421 },
  { config: {}, host: "localhost.rebound.example", status: 421 },
  { config: {}, host: "LOCALHOST", status: 200 },
  { config: {}, host: "console.localhost:3000", status: 200 },
  { config: {}, host: "127.8.9.1:1", status: 200 },
  { config: {}, host: "192.0.2.7:8080", status: 200 },
  { config: {}, host: "[fe80::1]:3000", status: 200 },
  { config: {}, host: "localhost", forwarded: "ops.example", status: 200 },
  { config: { publicUrl: "https://ops.example" }, host: "ops.example", status: 200 },
  { config: { publicUrl: "https://ops.example" }, host: "OPS.example.:443", status: 200 },
  { config: { publicUrl: "https://ops.example" }, host: "rebound.example", status: 421 },
  { config: { httpHosts: ["Two.example"] }, host: "two.example:3000", status: 200 },
  { config: { trustProxy: true }, host: "any.example", status: 200 },
  { config: { trustProxy: true, publicUrl: "https://ops.example" }, host: "rebound.example", status: 421 },
  {
    config: { trustProxy: true, publicUrl: "https://ops.example" },
    host: "127.0.0.1:3000",
    forwarded: "ops.example",
    status: 200,
  },
  {
    config: { trustProxy: true, publicUrl: "https://ops.example" },
    host: "127.0.0.1:3000",
    forwarded: "ops.example, rebound.example",
    status: 421,
  },
  {
    config: { trustProxy: true, publicUrl: "https://ops.example" },
    host: "rebound.example",
    forwarded: "ops.example",
    status: 421,
  },
];

test("on loopback it answers to its own names and to addresses, and to no name that a stranger gave it", async () => {
  for (const { config, host, forwarded, status } of hostCases) {
    const port = await serve({ ...loopback, ...config });
    const headers = { host, ...(forwarded ? { "x-forwarded-host": forwarded } : {}) };
    const answer = await get(`http://127.0.0.1:${port}/health/live`, { headers });
    expect({ config, host, forwarded, status: answer.status }).toEqual({ config, host, forwarded, status });
    if (status !== 421) continue;
    expect(answer.headers["content-type"]).toBe("application/problem+json");
    expect(JSON.parse(answer.text)).toMatchObject({ status, detail: expect.stringContaining("OC_PUBLIC_URL") });
  }
});

test("away from loopback it answers to any name: the certificate is held against it", async () => {
  const port = await serve(everywhere);
  const options = { headers: { host: "server-in-the-cellar" }, ca: t.ctx.authority.bundlePem, servername: "localhost" };
  expect((await get(`https://localhost:${port}/health/live`, options)).status).toBe(200);
});

test("a stop lets the request under way finish and takes no other", async () => {
  const port = await serve(loopback);
  const slow = new Promise<string>((resolve) => {
    t.ctx.health.set("slow", () => new Promise((done) => setTimeout(() => done({ status: "ok" }), 300)));
    void get(`http://127.0.0.1:${port}/health`).then((answer) => resolve(answer.text));
  });
  await expect.poll(() => get(`http://127.0.0.1:${port}/health/live`).then((a) => a.status)).toBe(200);
  await running.splice(0)[0]!.stop();
  expect(JSON.parse(await slow).status).toBe("ok");
  t.ctx.health.delete("slow");
  await expect(get(`http://127.0.0.1:${port}/health/live`)).rejects.toThrow(/ECONNREFUSED/);
});

test("the client's address is the peer's, or the proxy's word when the proxy is trusted", async () => {
  const body = Buffer.from(JSON.stringify({ username: "somebody", password: "wrong" }));
  const headers = { "content-type": "application/json", "x-forwarded-for": "203.0.113.9, 198.51.100.7" };
  for (const trustProxy of [false, true]) {
    const port = await serve({ ...loopback, trustProxy });
    await get(`http://127.0.0.1:${port}/api/v1/auth/login`, { method: "POST", headers }, body);
  }
  const rows = await t.ctx
    .sql`select address from communication.audit where action = 'user.sign_in_refused' order by id`;
  expect(rows.map((r) => r.address)).toEqual(["127.0.0.1", "198.51.100.7"]);
});

function builtConsole(): string {
  const root = mkdtempSync(join(tmpdir(), "console-"));
  mkdirSync(join(root, "_app/immutable"), { recursive: true });
  writeFileSync(join(root, "index.html"), "<!doctype html><script src=/theme.js></script><script>start()</script>");
  writeFileSync(join(root, "_app/immutable/a.js"), "export const plain = 1;");
  writeFileSync(join(root, "_app/immutable/a.js.gz"), gzipSync("export const packed = 1;"));
  writeFileSync(join(root, "favicon.svg"), "<svg/>");
  return root;
}

test("every page of the console is its index.html, with a policy that names its inline scripts", async () => {
  const port = await serve({ ...loopback, consoleDir: builtConsole() });
  for (const path of ["/", "/agents", "/targets/web-1.example.org", "/executions/17?x=1"]) {
    const page = await get(`http://127.0.0.1:${port}${path}`, { headers: { accept: "text/html,*/*" } });
    expect([path, page.status, page.text.includes("start()")]).toEqual([path, 200, true]);
    expect(page.headers["content-security-policy"]).toContain(
      "script-src 'self' 'sha256-DIm7WJS6ZKDYe5qFLPy+h4JFI9Bol5QmYC57mt3Fb00='",
    );
    expect(page.headers["x-frame-options"]).toBe("DENY");
    expect(page.headers["cache-control"]).toBe("no-cache");
  }
});

test("built files are packed and kept for ever, and a missing one is never HTML", async () => {
  const port = await serve({ ...loopback, consoleDir: builtConsole() });
  const at = (path: string, headers: Record<string, string> = {}) =>
    get(`http://127.0.0.1:${port}${path}`, { headers });
  const packed = await at("/_app/immutable/a.js", { "accept-encoding": "gzip" });
  expect([packed.headers["content-encoding"], packed.headers["cache-control"]]).toEqual([
    "gzip",
    "public, max-age=31536000, immutable",
  ]);
  expect(packed.headers["content-security-policy"]).toBeUndefined();
  expect((await at("/_app/immutable/a.js")).text).toContain("plain");
  const missing = await at("/_app/immutable/old.js", { accept: "text/html,*/*" });
  expect([missing.status, missing.headers["content-type"]]).toEqual([404, "application/problem+json"]);
  expect((await at("/favicon.svg")).headers["content-type"]).toContain("image/svg+xml");
  for (const path of [
    "/../../package.json",
    "/%2e%2e/package.json",
    "/..%2fpackage.json",
    "/_app/..%5c..%5cpackage.json",
  ])
    expect([path, (await at(path)).status]).toEqual([path, 404]);
});

test("without a build the console says so, and the API works", async () => {
  const port = await serve({ ...loopback, consoleDir: mkdtempSync(join(tmpdir(), "empty-")) });
  const page = await get(`http://127.0.0.1:${port}/`, { headers: { accept: "text/html" } });
  expect(page.status).toBe(503);
  expect(page.text).toContain("npm start");
  expect((await get(`http://127.0.0.1:${port}/health/live`)).status).toBe(200);
});

/** Bytes as they are, to what is no HTTP client's business to send. */
function sendBytes(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
    let answer = "";
    socket.on("data", (data) => (answer += data));
    socket.on("error", reject);
    socket.on("close", () => resolve(answer));
  });
}

test.each([
  [
    "a path with bytes that are not ASCII",
    "GET /api/v1/jobs?q=\u00fc HTTP/1.1\r\nHost: localhost\r\n\r\n",
    400,
    "as %XX",
  ],
  ["a method that nobody has", "BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, "no valid HTTP request"],
  ["headers without end", `GET / HTTP/1.1\r\nHost: localhost\r\nX-A: ${"a".repeat(20_000)}\r\n\r\n`, 431, "16 KiB"],
])("%s is answered in words", async (_, bytes, status, words) => {
  const [head, body] = (await sendBytes(await serve(loopback), bytes)).split("\r\n\r\n");
  expect(head).toContain(`HTTP/1.1 ${status} `);
  expect(head).toContain("application/problem+json");
  expect(JSON.parse(body!)).toMatchObject({
    status,
    detail: expect.stringContaining(words),
    requestId: expect.any(String),
  });
});

test("the sender of a chunked body that is too large is heard to its end, and its connection goes on", async () => {
  const head = "POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
  const chunk = `${(2 * 1024 * 1024).toString(16)}\r\n${"x".repeat(2 * 1024 * 1024)}\r\n0\r\n\r\n`;
  const after = "GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  const answers = await sendBytes(await serve(loopback), `${head}Transfer-Encoding: chunked\r\n\r\n${chunk}${after}`);
  expect(answers).toMatch(/^HTTP\/1\.1 413 [\s\S]*HTTP\/1\.1 200 OK/);
});

/** What comes back for these bytes, until the server hangs up. */
function raw(port: number, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.end(request));
    let text = "";
    socket.setEncoding("utf8").on("data", (piece: string) => {
      text += piece;
    });
    socket.on("error", reject).on("close", () => resolve(text));
  });
}

test.each([
  ["two different Host headers", "GET /health/live HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n"],
  ["no Host", "GET /health/live HTTP/1.1\r\n"],
  ["no Host in HTTP/1.0", "GET /health/live HTTP/1.0\r\n"],
  ["an empty Host", "GET /health/live HTTP/1.1\r\nHost:\r\n"],
  ["a Host that is none", "GET /health/live HTTP/1.1\r\nHost: a b@c:x/\r\n"],
  ["a Host with a path", "GET /health/live HTTP/1.1\r\nHost: a/../b\r\n"],
  ["a port that is none", "GET /health/live HTTP/1.1\r\nHost: a:99999\r\n"],
  ["an absolute target of another host", "GET http://other.example/health/live HTTP/1.1\r\nHost: localhost\r\n"],
  ["an absolute target that is none", "GET http://[::/x HTTP/1.1\r\nHost: localhost\r\n"],
  ["an asterisk", "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n"],
  ["an authority", "CONNECT other.example:443 HTTP/1.1\r\nHost: localhost\r\n"],
  ["two slashes", "GET //other.example/x HTTP/1.1\r\nHost: localhost\r\n"],
  ["no path", "GET HTTP/1.1\r\nHost: localhost\r\n"],
  ["no version", "GET /health/live\r\nHost: localhost\r\n"],
  ["a version that is none", "GET /health/live HTTP/9.9\r\nHost: localhost\r\n"],
  ["an unknown method", "BREW /health/live HTTP/1.1\r\nHost: localhost\r\n"],
  ["a small method", "get /health/live HTTP/1.1\r\nHost: localhost\r\n"],
  ["a blank before a header", "GET /health/live HTTP/1.1\r\n Host: localhost\r\n"],
  ["two lengths", "POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n"],
  ["a length and chunks", "POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n"],
  ["an unknown encoding", "POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n"],
  ["an upgrade", "GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"],
  ["an expectation", "GET /health/live HTTP/1.1\r\nHost: localhost\r\nExpect: a-miracle\r\n"],
])("a request with %s is refused in words, or answered", async (_, request) => {
  const port = await serve(loopback);
  const answer = await raw(port, `${request}Connection: close\r\n\r\n`);
  const [head = "", body = ""] = answer.split("\r\n\r\n");
  const status = Number(head.split(" ")[1]);
  if (status === 200) return expect(body).toBe("ok");
  expect(status).toBeOneOf([400, 404, 417]);
  expect(head.toLowerCase()).toContain("content-type: application/problem+json");
  const problem = JSON.parse(body.slice(body.indexOf("{"), body.lastIndexOf("}") + 1));
  expect(problem).toMatchObject({ status, detail: expect.stringMatching(/\w/), requestId: expect.any(String) });
});

test("a request that does not say once for which host it is, is not served", async () => {
  const port = await serve(loopback);
  const statusOf = async (head: string) => (await raw(port, `${head}\r\nConnection: close\r\n\r\n`)).split(" ")[1];
  const start = "GET /health/live HTTP/1.1";
  expect(await statusOf(`${start}\r\nHost: localhost\r\nHost: b`)).toBe("400");
  expect(await statusOf(start)).toBe("400");
  expect(await statusOf("GET /health/live HTTP/1.0\r\nX: y")).toBe("400");
  for (const host of ["localhost", "a_b.localhost:3000", "[::1]:3000", "192.0.2.1"])
    expect(await statusOf(`${start}\r\nHost: ${host}`), host).toBe("200");
});
