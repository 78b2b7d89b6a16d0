import { createHash } from "node:crypto";
import { createServer, type RequestListener, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ActionBench } from "./testing/action-bench.ts";

let bench: ActionBench;
const servers: { close(): unknown }[] = [];
beforeEach(() => {
  bench = new ActionBench();
});
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  bench.close();
});

async function serve(listener: RequestListener): Promise<string> {
  const server: Server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("http", () => {
  test("checks status, text and JSON of the answer, and gives it as outputs", async () => {
    const url = await serve((_, response) => response.end('{"status":"ok","items":[{"n":1}]}'));
    const expected = { status: [200], contains: '"ok"', json: { status: "ok", "items.0.n": 1 } };
    expect(await bench.run("http", { url, expect: expected })).toMatchObject({
      changed: false,
      outputs: { status: "200", body: '{"status":"ok","items":[{"n":1}]}' },
    });
    const wrong = (change: object) => bench.run("http", { url, expect: { ...expected, ...change } });
    await expect(wrong({ status: [201, 204] })).rejects.toThrow("the status is 200, not 201 or 204");
    await expect(wrong({ contains: "down" })).rejects.toThrow('does not contain "down"');
    await expect(wrong({ json: { "items.1.n": 1 } })).rejects.toThrow("items.1.n is not there, not 1");
    await expect(wrong({ certificateDays: 30 })).rejects.toThrow("no certificate");
  });

  test("sends method, headers and awkward values as they are, and only announces a POST in check mode", async () => {
    const got: unknown[] = [];
    const url = await serve((request, response) => {
      const parts: Buffer[] = [];
      request.on("data", (part) => parts.push(part));
      request.on("end", () => {
        got.push([
          request.method,
          request.headers["content-type"],
          request.headers["x-a"],
          Buffer.concat(parts).toString(),
        ]);
        response.writeHead(201).end();
      });
    });
    const wish = { url, method: "POST", headers: { "x-a": "$(id) '" }, json: { a: 'q"\n$(x)' } };
    expect(await bench.check("http", wish)).toMatchObject({ changed: true, message: expect.stringContaining("would") });
    expect(got).toEqual([]);
    expect(await bench.run("http", wish)).toMatchObject({ changed: true });
    expect(got).toEqual([["POST", "application/json", "$(id) '", '{"a":"q\\"\\n$(x)"}']]);
  });

  test("follows redirects only when told, and takes no credentials to another host", async () => {
    const seen: (string | undefined)[] = [];
    const other = await serve((request, response) => {
      seen.push(request.headers.authorization);
      response.end("there");
    });
    const url = await serve((_, response) => response.writeHead(302, { location: `${other}/x` }).end());
    await expect(bench.run("http", { url })).rejects.toThrow("the status is 302");
    const followed = await bench.run("http", { url, followRedirects: true, headers: { Authorization: "Bearer x" } });
    expect([followed.outputs.body, seen]).toEqual(["there", [undefined]]);
  });

  test("says who could not be reached, and who was too slow", async () => {
    await expect(bench.run("http", { url: "http://127.0.0.1:9/" })).rejects.toThrow(/cannot be reached.*ECONNREFUSED/);
    const url = await serve(() => {});
    await expect(bench.run("http", { url, timeout: "200ms" })).rejects.toThrow("did not answer within 200ms");
  });
});

describe("fetch", () => {
  const bytes = Buffer.from([0, 1, 2, 254, 255]);
  const sha256 = createHash("sha256").update(bytes).digest("hex");

  test("writes what has the right checksum, and asks no second time", async () => {
    let asked = 0;
    const url = await serve((_, response) => {
      asked++;
      response.end(bytes);
    });
    const wish = { url, path: bench.path("f"), sha256, mode: "0755" };
    expect(await bench.check("fetch", wish)).toMatchObject({ changed: true });
    expect([asked, bench.names()]).toEqual([0, []]);
    expect(await bench.run("fetch", wish)).toMatchObject({ changed: true, outputs: { sha256, bytes: "5" } });
    expect(await bench.run("fetch", wish)).toMatchObject({ changed: false, outputs: { sha256, bytes: "5" } });
    expect(asked).toBe(1);
    const { sha256: _, ...unchecked } = wish;
    expect(await bench.run("fetch", unchecked)).toMatchObject({ changed: false });
    expect([asked, bench.names()]).toEqual([2, ["f"]]);
  });

  test.each([
    ["another checksum", (r: import("node:http").ServerResponse) => r.end("evil"), {}, "nothing was written"],
    ["an error", (r: import("node:http").ServerResponse) => r.writeHead(404).end("no"), {}, "answered with 404"],
    [
      "a connection that breaks off",
      (r: import("node:http").ServerResponse) => {
        r.writeHead(200, { "content-length": "100" });
        r.write("half", () => r.destroy());
      },
      {},
      /broke off/,
    ],
    [
      "more than is taken",
      (r: import("node:http").ServerResponse) => r.end("x".repeat(100)),
      { maxBytes: 10 },
      "is larger than 10",
    ],
  ])("leaves the old file alone on %s", async (_what, answer, change, message) => {
    const url = await serve((_, response) => void answer(response));
    bench.write("f", "old");
    await expect(bench.run("fetch", { url, path: bench.path("f"), sha256, ...change })).rejects.toThrow(message);
    expect([bench.read("f"), bench.names()]).toEqual(["old", ["f"]]);
  });
});

describe("wait-for", () => {
  test("waits until a port accepts, a file is there, an address answers and a command succeeds", async () => {
    const url = await serve((_, response) => response.end());
    const server = createTcpServer().listen(0, "127.0.0.1");
    servers.push(server);
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as AddressInfo;
    const soon = bench.run("wait-for", { path: bench.path("f"), every: "20ms", timeout: "20s" });
    bench.write("f", "");
    expect(await soon).toMatchObject({ changed: false, message: expect.stringContaining("is there after") });
    await bench.run("wait-for", { port });
    await bench.run("wait-for", { url });
    await bench.run("wait-for", { command: ["test", "$(false)", "=", "$(false)"] });
    await bench.run("wait-for", { path: bench.path("none"), state: "absent" });
  });

  test("fails with the last reason when the time is over, and stops when the step is stopped", async () => {
    const never = { port: 9, timeout: "50ms", every: "10ms" };
    await expect(bench.run("wait-for", never)).rejects.toThrow("not after 50ms (ECONNREFUSED)");
    const command = { command: ["sh", "-c", "echo why >&2; exit 3"], timeout: "50ms", every: "10ms" };
    await expect(bench.run("wait-for", command)).rejects.toThrow("(exit code 3 why)");
    const stop = new AbortController();
    const waiting = bench.run("wait-for", { ...never, timeout: "1h", every: "1h" }, { signal: stop.signal });
    setImmediate(() => stop.abort());
    await expect(waiting).rejects.toThrow();
    expect(await bench.check("wait-for", never)).toMatchObject({
      changed: false,
      message: expect.stringContaining("would"),
    });
  });

  test("takes exactly one thing to wait for", async () => {
    await expect(bench.run("wait-for", {})).rejects.toThrow("exactly one");
    await expect(bench.run("wait-for", { port: 1, path: "/x" })).rejects.toThrow("exactly one");
  });
});

test("assert names the conditions that are false; message tells its text", async () => {
  expect(await bench.run("assert", { that: [true, "true"] })).toMatchObject({ changed: false });
  const wrong = bench.run("assert", { that: ["true", "false", false], message: "Not well" });
  await expect(wrong).rejects.toThrow("Not well (condition 2, 3 of 3 is false)");
  expect(await bench.run("message", { text: "one\n$(two)" })).toMatchObject({ message: "one", log: "one\n$(two)" });
});
