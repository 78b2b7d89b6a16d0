import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { findPackageManager } from "./support/find-package-manager.ts";
import { Programs } from "./support/run-program.ts";
import { ActionBench } from "./testing/action-bench.ts";
import { ToolRoom } from "./testing/tool-room.ts";

const room = new ToolRoom([]);
afterAll(() => room.close());

/** The same packages for each: oc-app in 1.0 and 1.1, which needs oc-lib, and oc-other. */
const managers = [
  {
    manager: "apt-get",
    beside: ["dpkg-query", "apt-mark"],
    old: "1.0",
    new: "1.1",
    hold: ["apt-mark", "hold", "oc-app"],
  },
  { manager: "dnf", beside: ["rpm"], old: "1.0-1", new: "1.1-1" },
  { manager: "zypper", beside: ["rpm"], old: "1.0-1", new: "1.1-1", hold: ["zypper", "-n", "addlock", "oc-app"] },
  { manager: "apk", beside: [], old: "1.0-r0", new: "1.1-r0" },
].filter(({ manager }) => manager !== "apk" || existsSync(join(room.folder, "sbin/apk")));

describe.each(managers)("package with $manager", ({ manager, beside, old, new: newest, hold }) => {
  let tools: ToolRoom;
  let bench: ActionBench;
  beforeAll(async () => {
    tools = new ToolRoom([manager, ...beside]);
    await (await findPackageManager(programs())).refresh(() => {});
    bench = new ActionBench();
    bench.environment = tools.environment;
    await removeAll();
  });
  afterAll(() => tools.close());
  beforeEach(() => {
    bench = new ActionBench();
    bench.environment = tools.environment;
  });
  // The next manager's files are the same.
  afterEach(async () => {
    await removeAll();
    bench.close();
  });
  const programs = () => new Programs(tools.environment, new AbortController().signal);

  const installed = (name: string) =>
    existsSync(join(tools.folder, "opt", name, "version")) ? tools.read(`opt/${name}/version`) : undefined;
  const removeAll = () => run({ names: ["oc-app", "oc-lib", "oc-other"], state: "absent" });
  const run = (wish: object) => bench.run("package", wish as Record<string, unknown>);
  const check = (wish: object) => bench.check("package", wish as Record<string, unknown>);

  test("installs once, with what it needs, as check mode has told", async () => {
    const wish = { names: ["oc-app"] };
    const told = await check(wish);
    expect(told.changed).toBe(true);
    expect(told.outputs.packages!.split("\n").sort()).toEqual([
      `install oc-app ${newest}`,
      expect.stringMatching(/^install oc-lib /),
    ]);
    expect(installed("oc-app")).toBeUndefined();
    expect(await run(wish)).toMatchObject({ changed: true, outputs: told.outputs });
    expect([installed("oc-app"), installed("oc-lib")]).toEqual(["1.1", "1.0"]);
    expect(await run(wish)).toMatchObject({ changed: false, message: "oc-app installed" });
    expect(await check(wish)).toMatchObject({ changed: false });
  });

  test("a version is installed, stays with present, and goes to the newest with latest", async () => {
    const exact = { names: [`oc-app=${old}`] };
    expect(await run(exact)).toMatchObject({ changed: true });
    expect(installed("oc-app")).toBe("1.0");
    expect(await run(exact)).toMatchObject({ changed: false });
    expect(await run({ names: ["oc-app"] })).toMatchObject({ changed: false });
    const latest = { names: ["oc-app", "oc-other"], state: "latest" };
    const told = (await check(latest)).outputs.packages!;
    expect(told).toContain(`upgrade oc-app ${old} to ${newest}`);
    expect(told).toContain("install oc-other ");
    expect(await run(latest)).toMatchObject({ changed: true });
    expect([installed("oc-app"), installed("oc-other")]).toEqual(["1.1", "2.0"]);
    expect(await run(latest)).toMatchObject({ changed: false });
  });

  test("everything is upgraded once", async () => {
    await run({ names: [`oc-app=${old}`] });
    // Else apk keeps the version that was asked for.
    if (manager === "apk") writeFileSync(join(tools.folder, "etc/apk/world"), "oc-app\n");
    const wish = { upgradeAll: true };
    expect((await check(wish)).outputs.packages).toContain(`upgrade oc-app ${old} to ${newest}`);
    expect(installed("oc-app")).toBe("1.0");
    expect(await run(wish)).toMatchObject({ changed: true });
    expect(installed("oc-app")).toBe("1.1");
    expect(await run(wish)).toMatchObject({ changed: false, message: "nothing can be upgraded" });
  });

  test("removes with what needs it, as told, and twice is once", async () => {
    await run({ names: ["oc-app", "oc-other"] });
    const wish = { names: ["oc-lib", "oc-nothing"], state: "absent" };
    if (manager === "apk") {
      await expect(check(wish)).rejects.toThrow(/others need it: oc-lib: oc-app/);
      await expect(run(wish)).rejects.toThrow(/others need it/);
      wish.names = ["oc-app", "oc-lib"];
    }
    const told = await check(wish);
    expect(told.outputs.packages!.split("\n").sort()).toEqual(["remove oc-app", "remove oc-lib"]);
    expect(installed("oc-lib")).toBe("1.0");
    expect(await run(wish)).toMatchObject({ changed: true, outputs: told.outputs });
    expect([installed("oc-app"), installed("oc-lib"), installed("oc-other")]).toEqual([undefined, undefined, "2.0"]);
    expect(await run(wish)).toMatchObject({ changed: false });
    expect(await check(wish)).toMatchObject({ changed: false });
  });

  test("a package that nobody knows fails with its name, in check mode too, and changes nothing", async () => {
    for (const names of [["oc-nothing"], ["oc-other", "oc-nothing"], ["oc-app=9.9"]])
      for (const go of [check, run]) await expect(go({ names })).rejects.toThrow(/oc-nothing|9\.9/);
    expect(installed("oc-other")).toBeUndefined();
  });

  test.runIf(hold !== undefined)(
    "one that is held stays with an upgrade of everything, and is refused with latest",
    async () => {
      await run({ names: [`oc-app=${old}`] });
      await programs().must(hold![0]!, hold!.slice(1));
      try {
        expect(await run({ upgradeAll: true })).toMatchObject({ changed: false });
        await expect(run({ names: ["oc-app"], state: "latest" })).rejects.toThrow(/[Hh]eld packages|lock/);
        expect(installed("oc-app")).toBe("1.0");
      } finally {
        await programs().must(
          hold![0]!,
          hold!.slice(1).map((word) => word.replace("hold", "unhold").replace("addlock", "removelock")),
        );
      }
    },
  );
});
