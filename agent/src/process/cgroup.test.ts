import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Cgroups, cgroupEvents, cgroupMembers, detectCgroups, killCgroup } from "./cgroup.ts";

// A folder that does what the kernel does in a hierarchy of version 2 (Documentation/admin-guide/cgroup-v2.rst), for
// kernels whose controllers are taken by version 1: the files of a new cgroup are there when mkdir returns, those of a
// controller only where its parent passes it on, and rmdir takes them along.
const kernel = vi.hoisted(() => ({ root: "", made: 0, looked: 0 }));
vi.mock("node:fs", async (original) => {
  const real = await original<typeof import("node:fs")>();
  const ours = (path: unknown) => kernel.root !== "" && String(path).startsWith(`${kernel.root}/`);
  const make = (path: string, ...options: []) => {
    const result = real.mkdirSync(path, ...options);
    if (!ours(path)) return result;
    kernel.made++;
    const passedOn = real.readFileSync(join(dirname(path), "cgroup.subtree_control"), "utf8").trim();
    const files = { ...coreFiles, "cgroup.controllers": passedOn };
    for (const name of passedOn.split(" ")) Object.assign(files, controllerFiles[name]);
    for (const [name, text] of Object.entries(files)) real.writeFileSync(join(path, name), text);
    return result;
  };
  const write = (path: string, text: string, ...options: []) => {
    if (!ours(path)) return real.writeFileSync(path, text, ...options);
    if (!real.existsSync(path)) throw Object.assign(new Error(`ENOENT: ${path}`), { code: "ENOENT" });
    if (!path.endsWith("cgroup.subtree_control")) return real.writeFileSync(path, text);
    // A cgroup with processes of its own passes nothing on.
    if (real.readFileSync(join(dirname(path), "cgroup.procs"), "utf8") !== "")
      throw Object.assign(new Error("EBUSY: subtree_control"), { code: "EBUSY" });
    real.writeFileSync(path, text.replaceAll("+", ""));
  };
  const moving = (path: string, text: string, ...options: []) => {
    write(path, text, ...options);
    if (ours(path) && path.endsWith("keeper/cgroup.procs"))
      real.writeFileSync(join(dirname(path), "..", "cgroup.procs"), "");
  };
  const remove = (path: string) => {
    if (ours(path) && real.existsSync(join(path, "cgroup.procs"))) {
      const busy = real.readFileSync(join(path, "cgroup.procs"), "utf8") !== "";
      if (busy) throw Object.assign(new Error(`EBUSY: ${path}`), { code: "EBUSY" });
      for (const name of real.readdirSync(path)) real.unlinkSync(join(path, name));
    }
    return real.rmdirSync(path);
  };
  const look = (path: string, options: "utf8") => {
    if (ours(path)) kernel.looked++;
    return real.readFileSync(path, options);
  };
  return { ...real, mkdirSync: make, writeFileSync: moving, rmdirSync: remove, readFileSync: look };
});

const coreFiles = { "cgroup.procs": "", "cgroup.kill": "", "cgroup.subtree_control": "" };
const controllerFiles: Record<string, Record<string, string>> = {
  memory: {
    "memory.max": "max",
    "memory.swap.max": "max",
    "memory.oom.group": "0",
    "memory.events": "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0\n",
  },
  cpu: { "cpu.max": "max 100000" },
  pids: { "pids.max": "max", "pids.events": "max 0\n" },
};

let mount: string;
beforeEach(() => {
  mount = mkdtempSync(join(tmpdir(), "oc-cgroup-"));
  for (const [name, text] of Object.entries({ ...coreFiles, "cgroup.controllers": "cpu memory pids" }))
    writeFileSync(join(mount, name), text);
  writeFileSync(join(mount, "cgroup.subtree_control"), "cpu memory pids");
  kernel.root = mount;
});
afterEach(() => {
  kernel.root = "";
  rmSync(mount, { recursive: true });
});

const read = (...path: string[]) => readFileSync(join(mount, ...path), "utf8");
const detect = () => detectCgroups("/steps", `1 1 0:0 / ${mount} rw - cgroup2 cgroup2 rw\n`, "0::/agent\n");

/** As the installer leaves it: a unit with a process that keeps it alive. */
function stepsUnit(): Cgroups {
  mkdirSync(join(mount, "agent"));
  mkdirSync(join(mount, "steps"));
  writeFileSync(join(mount, "steps", "cgroup.procs"), "4711\n");
  return detect()!;
}

test("the unit of steps passes its controllers on, once its own process has moved away", () => {
  const cgroups = stepsUnit();
  expect([...cgroups.resources]).toEqual(["memory", "cpu", "processes"]);
  expect(read("steps/keeper/cgroup.procs")).toBe("4711");
  expect(read("steps/cgroup.subtree_control").split(" ").sort()).toEqual(["cpu", "memory", "pids"]);
});

test("limits are written as version 2 takes them, and only what is asked for", () => {
  const cgroups = stepsUnit();
  const made = cgroups.create("a", { memoryBytes: 16 * 1024 * 1024, cpuPercent: 150, processes: 20 });
  expect(made).toEqual({ kill: join(mount, "steps/try-a"), limiting: [] });
  expect(
    ["memory.max", "memory.swap.max", "memory.oom.group", "cpu.max", "pids.max"].map((f) => read("steps/try-a", f)),
  ).toEqual(["16777216", "0", "1", "150000 100000", "20"]);
  cgroups.create("b", { processes: 5 });
  expect(["memory.max", "cpu.max", "pids.max"].map((f) => read("steps/try-b", f))).toEqual(["max", "max 100000", "5"]);
});

test("what the kernel counts as killed for memory and as refused is told", () => {
  const made = stepsUnit().create("a", { memoryBytes: 1, processes: 1 })!;
  expect(cgroupEvents(made)).toEqual({ killedForMemory: 0, processesRefused: 0 });
  writeFileSync(
    join(mount, "steps/try-a/memory.events"),
    "low 0\nhigh 0\nmax 91\noom 3\noom_kill 2\noom_group_kill 1\n",
  );
  writeFileSync(join(mount, "steps/try-a/pids.events"), "max 7\n");
  expect(cgroupEvents(made)).toEqual({ killedForMemory: 2, processesRefused: 7 });
});

test("its members are told, killed at once, and it goes when it is empty", () => {
  const cgroups = stepsUnit();
  const made = cgroups.create("a")!;
  writeFileSync(join(mount, "steps/try-a/cgroup.procs"), "12\n34\n");
  expect(cgroupMembers(made)).toEqual([12, 34]);
  killCgroup(made);
  expect(read("steps/try-a/cgroup.kill")).toBe("1");
  writeFileSync(join(mount, "steps/try-a/cgroup.procs"), "");
  cgroups.remove("a");
  expect(existsSync(join(mount, "steps/try-a"))).toBe(false);
  cgroups.create("known");
  cgroups.create("unknown");
  cgroups.sweep((name) => name === "known");
  expect(readdirSync(join(mount, "steps")).filter((name) => name.startsWith("try-"))).toEqual(["try-known"]);
});

test("a limit that cannot be set is an error that says so, and leaves nothing", () => {
  const cgroups = stepsUnit();
  writeFileSync(join(mount, "steps/cgroup.subtree_control"), ""); // taken away behind our back
  expect(() => cgroups.create("a", { memoryBytes: 1 })).toThrow("its limits could not be set");
  expect(existsSync(join(mount, "steps/try-a"))).toBe(false);
});

test("with version 1 a try without limits makes and asks nothing; after a restart everything is asked", () => {
  for (const name of ["memory", "pids"]) {
    mkdirSync(join(mount, name));
    mkdirSync(join(mount, name, "agent"));
    // In version 1 every cgroup has the files of its hierarchy; here the stand-in makes them of this.
    writeFileSync(join(mount, name, "agent", "cgroup.subtree_control"), name);
  }
  const mounts = ["memory", "pids"]
    .map((name) => `1 1 0:0 / ${join(mount, name)} rw - cgroup cgroup ${name}\n`)
    .join("");
  const own = "2:memory:/agent\n1:pids:/agent\n";
  const cgroups = detectCgroups(undefined, mounts, own)!;
  const [made, looked] = [kernel.made, kernel.looked];
  const free = cgroups.create("free")!;
  expect([free, cgroups.of("free"), cgroupMembers(free)]).toEqual([free, { kill: undefined, limiting: [] }, []]);
  cgroups.remove("free");
  expect([kernel.made, kernel.looked]).toEqual([made, looked]);
  expect(cgroups.create("limited", { processes: 3 })!.limiting).toEqual([join(mount, "pids/agent/try-limited")]);
  expect(cgroups.of("limited").limiting).toHaveLength(1);
  expect(detectCgroups(undefined, mounts, own)!.of("limited").limiting).toHaveLength(2);
});
