import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { outboundFetch } from "./outbound-fetch.ts";

let server: Server;
let url: string;
beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === "/large") response.end("x".repeat(2 * 1024 * 1024));
    else if (request.url === "/moved") response.writeHead(302, { location: "http://169.254.169.254/" }).end();
    else request.pipe(response.writeHead(200, { "x-method": request.method! }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
});
afterAll(() => server.close());

const trusting = (...hosts: string[]) => outboundFetch({ trustedHosts: new Set(hosts) });

test("a host that the operator named is asked, with method and body", async () => {
  const answer = await trusting("127.0.0.1")(`${url}/`, { method: "POST", body: new URLSearchParams({ a: "b c" }) });
  expect([answer.status, answer.headers.get("x-method"), await answer.text()]).toEqual([200, "POST", "a=b+c"]);
});

test("a host inside the network that nobody named is not asked, under whatever name", async () => {
  const port = new URL(url).port;
  for (const host of ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1"])
    await expect(trusting()(`https://${host}:${port}/`, {}), host).rejects.toThrow(/inside the network/);
});

test("metadata services are never asked, even when they are named", async () => {
  await expect(trusting("169.254.169.254")("https://169.254.169.254/latest", {})).rejects.toThrow(/not a place/);
});

test("plain HTTP is for loopback only", async () => {
  await expect(trusting("10.255.255.1")("http://10.255.255.1/", {})).rejects.toThrow(/https/);
});

test("redirects are not followed, and large answers are not read to their end", async () => {
  const fetch = trusting("127.0.0.1");
  expect((await fetch(`${url}/moved`, {})).status).toBe(302);
  await expect(fetch(`${url}/large`, {})).rejects.toThrow(/larger than/);
});
