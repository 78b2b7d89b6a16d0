import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { ActionBench } from "./testing/action-bench.ts";
import { ToolRoom } from "./testing/tool-room.ts";

const room = new ToolRoom(["rc-service", "rc-update"]);
const bench = new ActionBench();
bench.environment = room.environment;
const inRoom = (path: string) => join(room.folder, path);
const run = (wish: object) => bench.run("service", { name: "oc-test", ...wish });
const check = (wish: object) => bench.check("service", { name: "oc-test", ...wish });
const done = () => room.read("run/oc-test.log").split("\n");

beforeAll(() => run({ state: "stopped", enabled: false }));
beforeEach(() => rmSync(inRoom("run/oc-test.log"), { force: true }));
afterAll(async () => {
  await run({ state: "stopped", enabled: false });
  bench.close();
  room.close();
});

test("OpenRC: starts, restarts, reloads and stops, and only what is needed", async () => {
  expect(await check({ state: "started" })).toMatchObject({ changed: true, outputs: { state: "stopped" } });
  expect(await run({ state: "started" })).toMatchObject({ changed: true, outputs: { state: "started" } });
  expect(await run({ state: "started" })).toMatchObject({ changed: false });
  await run({ state: "reloaded" });
  await run({ state: "restarted" });
  expect(await check({ state: "stopped" })).toMatchObject({ changed: true });
  expect(await run({ state: "stopped" })).toMatchObject({ changed: true, outputs: { state: "stopped" } });
  expect(await run({ state: "stopped" })).toMatchObject({ changed: false });
  expect(done()).toEqual(["start", "reload", "stop", "start", "stop"]);
  await expect(run({ state: "reloaded" })).rejects.toThrow("is not running, so it cannot be reloaded");
});

test("OpenRC: is added to the runlevel once, found in any, and taken out of all", async () => {
  expect(await run({ enabled: true })).toMatchObject({ changed: true });
  expect(await run({ enabled: true })).toMatchObject({ changed: false });
  expect(await bench.check("service", { name: "procps", enabled: true })).toMatchObject({ changed: false });
  expect(await check({ enabled: false })).toMatchObject({ changed: true });
  expect(await run({ enabled: false })).toMatchObject({ changed: true });
  expect(await run({ enabled: false })).toMatchObject({ changed: false });
});

test("OpenRC: one that crashed is started again", async () => {
  await run({ state: "started" });
  rmSync(inRoom("run/oc-test.up"));
  expect(await run({ state: "started" })).toMatchObject({ changed: true, outputs: { state: "started" } });
  expect(done()).toEqual(["start", "start"]);
});

test("OpenRC: a service that is not there, and a host that something else started, fail and say so", async () => {
  await expect(bench.run("service", { name: "oc-none", state: "started" })).rejects.toThrow(
    "there is no service oc-none",
  );
  rmSync(inRoom("run/openrc/softlevel"));
  try {
    await expect(check({ state: "started" })).rejects.toThrow("did not start this host");
  } finally {
    writeFileSync(inRoom("run/openrc/softlevel"), "");
  }
});

test("OpenRC: in a check a service may be what a package before would bring; a typo is still named", async () => {
  const wish = { name: "oc-none", state: "started", enabled: true };
  const message = "would change: start and enable oc-none, when a step before has made the service oc-none";
  expect(await bench.check("service", wish, [{ kind: "any" }])).toMatchObject({ changed: true, message });
  await expect(bench.check("service", wish)).rejects.toThrow("there is no service oc-none on this host");
});
