import { expect, test } from "vitest";
import { isSecure, publicAgentAddr, publicApiAddr, publicUrl, servesTls } from "./addresses.ts";
import { loadConfig } from "./config.ts";

test("on loopback the console is plain HTTP and its address is what was configured", () => {
  const config = loadConfig({ OC_HTTP_ADDR: "127.0.0.1:3000", OC_AGENT_ADDR: "127.0.0.1:3443" });
  expect([servesTls(config), isSecure(config), publicUrl(config)]).toEqual([false, false, "http://127.0.0.1:3000"]);
  expect(publicAgentAddr(config)).toBe("127.0.0.1:3443");
});

test("on every other address it is HTTPS, told by an address that others can dial", () => {
  const config = loadConfig({ OC_HTTP_ADDR: "0.0.0.0:3000" });
  expect(servesTls(config)).toBe(true);
  expect(publicUrl(config)).toMatch(/^https:\/\/(?!0\.0\.0\.0)[^/]+:3000$/);
  expect(publicUrl(loadConfig({ OC_HTTP_ADDR: "[2001:db8::1]:3000" }))).toBe("https://[2001:db8::1]:3000");
});

test("behind a proxy our listener is plain and the public address decides what is secure", () => {
  const config = loadConfig({
    OC_HTTP_ADDR: "0.0.0.0:3000",
    TRUST_PROXY: "1",
    OC_PUBLIC_URL: "https://ops.example.org/",
  });
  expect([servesTls(config), isSecure(config), publicUrl(config)]).toEqual([false, true, "https://ops.example.org"]);
});

test("agents are told the public URL's host with their own ports, unless told otherwise", () => {
  const config = loadConfig({ OC_PUBLIC_URL: "https://ops.example.org", OC_PUBLIC_API_ADDR: "enrol.example.org:443" });
  expect(publicAgentAddr(config)).toBe("ops.example.org:3443");
  expect(publicApiAddr(config)).toBe("enrol.example.org:443");
});
