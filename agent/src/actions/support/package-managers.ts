// The package managers of Linux behind one interface. Used by package.ts. What they say is read, never what they print
// for people where there is another way.
import { ActionFailed } from "../action.ts";
import type { Programs } from "./run-program.ts";

type Log = (line: string) => void;

export interface PackageManager {
  /** Those that are installed, of these; `name=version` only in that version. */
  installed(names: readonly string[]): Promise<Set<string>>;
  /** Those of which there is a newer version. */
  outdated(names: readonly string[]): Promise<string[]>;
  /** What installing them would do, in words; empty when the manager cannot tell. */
  simulate(names: readonly string[]): Promise<string[]>;
  simulateUpgrade(): Promise<string[]>;
  refresh(log: Log): Promise<void>;
  install(names: readonly string[], log: Log): Promise<void>;
  remove(names: readonly string[], log: Log): Promise<void>;
  upgrade(log: Log): Promise<void>;
}

export async function findPackageManager(programs: Programs): Promise<PackageManager> {
  for (const [program, make] of managers) if (await programs.installed(program)) return make(programs);
  throw new ActionFailed("this host has none of apt, dnf, yum, zypper and apk");
}

const managers: readonly [string, (programs: Programs) => PackageManager][] = [
  ["apt-get", apt],
  ["dnf", (programs) => rpm(programs, "dnf")],
  ["zypper", zypper],
  ["yum", (programs) => rpm(programs, "yum")],
  ["apk", apk],
];

const lines = (text: string) => text.split("\n").filter(Boolean);
const bare = (name: string) => name.split("=")[0]!;

function apt(programs: Programs): PackageManager {
  const env = { DEBIAN_FRONTEND: "noninteractive", APT_LISTCHANGES_FRONTEND: "none" };
  // A run of unattended upgrades holds the lock for a while; files that somebody changed stay.
  const options = [
    "-o",
    "DPkg::Lock::Timeout=600",
    "-o",
    "Dpkg::Options::=--force-confold",
    "-o",
    "Dpkg::Options::=--force-confdef",
  ];
  const get = (args: readonly string[], log?: Log) =>
    programs.must("apt-get", ["-q", "-y", ...options, ...args], { env, ...(log && { onLine: log }) });
  const simulated = async (args: readonly string[]) =>
    lines((await get(["-s", ...args])).stdout).flatMap((line) => {
      const [, verb, name, old, next] = /^(Inst|Remv) (\S+)(?: \[(\S+)\])?(?: \((\S+))?/.exec(line) ?? [];
      if (verb === undefined) return [];
      if (verb === "Remv") return [`remove ${name}`];
      return [old ? `upgrade ${name} ${old} to ${next}` : `install ${name} ${next}`];
    });
  return {
    installed: async (names) => {
      const format = "${db:Status-Abbrev}\\t${Package}\\t${Architecture}\\t${Version}\\n";
      const { stdout } = await programs.run("dpkg-query", ["-W", "-f", format, "--", ...names.map(bare)]);
      const rows = lines(stdout).map((line) => line.split("\t"));
      const there = rows.filter(([status]) => /^[hi]i/.test(status!));
      const known = new Set(
        there.flatMap(([, name, arch, version]) => [name, `${name}:${arch}`, `${name}=${version}`]),
      );
      return new Set(names.filter((name) => known.has(name)));
    },
    outdated: async (names) => {
      if (names.length === 0) return [];
      const told = await simulated(["install", "--only-upgrade", "--", ...names]);
      return names.filter((name) => told.some((line) => line.startsWith(`upgrade ${bare(name).split(":")[0]} `)));
    },
    simulate: (names) => (names.length === 0 ? Promise.resolve([]) : simulated(["install", "--", ...names])),
    simulateUpgrade: () => simulated(["dist-upgrade"]),
    refresh: async (log) => void (await get(["update"], log)),
    install: async (names, log) => void (await get(["install", "--", ...names], log)),
    remove: async (names, log) => void (await get(["remove", "--", ...names], log)),
    upgrade: async (log) => void (await get(["dist-upgrade"], log)),
  };
}

function rpm(programs: Programs, program: "dnf" | "yum"): PackageManager {
  const run = (args: readonly string[], log: Log) => programs.must(program, ["-y", "-q", ...args], { onLine: log });
  // 100 says that there is something, 0 that there is nothing.
  const updates = async (names: readonly string[]) => {
    const { code, stdout, stderr } = await programs.run(program, ["-q", "check-update", ...names]);
    if (code !== 0 && code !== 100)
      throw new ActionFailed(`${program} check-update failed (${code}): ${stderr.trim()}`);
    return lines(stdout).flatMap((line) => /^(\S+)\.\S+\s+(\S+)\s+\S+\s*$/.exec(line)?.slice(1, 3).join(" ") ?? []);
  };
  return {
    installed: (names) => rpmInstalled(programs, names),
    outdated: async (names) => {
      if (names.length === 0) return [];
      const told = new Set((await updates(names)).map((line) => line.split(" ")[0]));
      return names.filter((name) => told.has(name));
    },
    simulate: async () => [],
    simulateUpgrade: async () => (await updates([])).map((line) => `upgrade ${line.replace(" ", " to ")}`),
    refresh: async (log) => void (await run(["makecache"], log)),
    install: async (names, log) => void (await run(["install", ...names], log)),
    remove: async (names, log) => void (await run(["remove", ...names], log)),
    upgrade: async (log) => void (await run(["upgrade"], log)),
  };
}

async function rpmInstalled(programs: Programs, names: readonly string[]): Promise<Set<string>> {
  const found = new Set<string>();
  for (const name of names) {
    const { code } = await programs.run("rpm", ["-q", "--whatprovides", name]);
    if (code === 0) found.add(name);
  }
  return found;
}

function zypper(programs: Programs): PackageManager {
  const run = (args: readonly string[], log: Log) =>
    programs.must("zypper", ["--non-interactive", ...args], { onLine: log });
  const updates = async () => {
    const { stdout } = await programs.must("zypper", ["--non-interactive", "--quiet", "list-updates"]);
    return lines(stdout)
      .map((line) => line.split("|").map((cell) => cell.trim()))
      .filter((row) => row[0] === "v");
  };
  return {
    installed: (names) => rpmInstalled(programs, names),
    outdated: async (names) => {
      const told = new Set((await updates()).map((row) => row[2]));
      return names.filter((name) => told.has(name));
    },
    simulate: async () => [],
    simulateUpgrade: async () => (await updates()).map((row) => `upgrade ${row[2]} ${row[3]} to ${row[4]}`),
    refresh: async (log) => void (await run(["refresh"], log)),
    install: async (names, log) => void (await run(["install", "--auto-agree-with-licenses", ...names], log)),
    remove: async (names, log) => void (await run(["remove", ...names], log)),
    upgrade: async (log) => void (await run(["update", "--auto-agree-with-licenses"], log)),
  };
}

function apk(programs: Programs): PackageManager {
  const run = (args: readonly string[], log: Log) => programs.must("apk", args, { onLine: log });
  const simulated = async (args: readonly string[]) =>
    lines((await programs.must("apk", ["--simulate", ...args])).stdout).flatMap((line) => {
      const [, verb, rest] = /^\(\d+\/\d+\) (Installing|Upgrading|Purging) (.*)$/.exec(line) ?? [];
      if (verb === undefined) return [];
      const words = { Installing: "install", Upgrading: "upgrade", Purging: "remove" } as Record<string, string>;
      return [`${words[verb]} ${rest!.replace(/ \((.*) -> (.*)\)$/, " $1 to $2").replace(/[()]/g, "")}`];
    });
  return {
    installed: async (names) => {
      const found = new Set<string>();
      for (const name of names) if ((await programs.run("apk", ["info", "-e", name])).code === 0) found.add(name);
      return found;
    },
    outdated: async (names) => {
      if (names.length === 0) return [];
      const told = await simulated(["add", "--upgrade", ...names]);
      return names.filter((name) => told.some((line) => line.startsWith(`upgrade ${bare(name)} `)));
    },
    simulate: (names) => (names.length === 0 ? Promise.resolve([]) : simulated(["add", "--upgrade", ...names])),
    simulateUpgrade: () => simulated(["upgrade"]),
    refresh: async (log) => void (await run(["update"], log)),
    install: async (names, log) => void (await run(["add", "--upgrade", ...names], log)),
    remove: async (names, log) => void (await run(["del", ...names], log)),
    upgrade: async (log) => void (await run(["upgrade"], log)),
  };
}
