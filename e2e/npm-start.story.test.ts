// `npm start` as a person meets it: what it prints, that Ctrl-C ends everything, that a second start finds it all again.
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Devstack, startDevstack } from "./devstack/devstack.ts";

let stack: Devstack;
beforeAll(async () => {
  stack = await startDevstack({ program: "scripts/start.mjs" });
});
afterAll(() => stack?.stop());

test("it prints the address and a password once, and serves the console there", async () => {
  expect(stack.controller().output()).toContain(stack.url);
  expect(
    stack
      .controller()
      .output()
      .match(/^\s*Password:\s+\S+$/gm),
  ).toHaveLength(1);
  const page = await fetch(stack.url, { headers: { accept: "text/html" } });
  expect([page.status, page.headers.get("content-type")]).toEqual([200, expect.stringContaining("text/html")]);
  expect(page.headers.get("content-security-policy")).toContain("default-src");
});

test("Ctrl-C, which reaches every process of the terminal and some twice, stops all of it cleanly", async () => {
  const script = stack.controller();
  for (let times = 0; times < 3; times++) process.kill(-script.pid, "SIGINT");
  expect(await script.untilEnded(30_000)).toEqual({ code: 0, signal: null });
  expect(stack.processes()).toEqual([]);
  expect(script.output()).not.toContain("force");
});

test("the next start prints no password, because there is an administrator already", async () => {
  await stack.startController();
  expect(stack.controller().output()).not.toMatch(/^\s*Password:/m);
});
