// apt and dpkg: Debian, Ubuntu and what comes from them. Used by find-package-manager.ts.
import { type Log, lockTimeoutS, type PackageChange, type PackageManager } from "./package-manager.ts";
import { linesOf, managerFailed, nameAndVersion } from "./package-words.ts";
import type { Programs } from "./run-program.ts";

const environment = { DEBIAN_FRONTEND: "noninteractive", APT_LISTCHANGES_FRONTEND: "none" };
/** Files that somebody changed stay. */
const settings = [
  `DPkg::Lock::Timeout=${lockTimeoutS}`,
  "Dpkg::Options::=--force-confold",
  "Dpkg::Options::=--force-confdef",
];
const options = ["-q", "-y", ...settings.flatMap((setting) => ["-o", setting])];

export function apt(programs: Programs): PackageManager {
  const get = async (args: readonly string[], log?: Log) => {
    const end = await programs.run("apt-get", [...options, ...args], {
      env: environment,
      ...(log && { onLine: log }),
    });
    if (end.code === 0) return end.stdout;
    throw managerFailed(`apt-get ${args.find((arg) => !arg.startsWith("-"))}`, end);
  };
  return {
    installed: (names) => installed(programs, names),
    simulate: async (change) => linesOf(await get(["-s", ...argumentsOf(change)])).flatMap(wordsOf),
    perform: async (change, log) => void (await get(argumentsOf(change), log)),
    refresh: async (log) => void (await get(["update"], log)),
  };
}

function argumentsOf({ verb, names }: PackageChange): string[] {
  if (verb === "upgradeAll") return ["dist-upgrade"];
  const command = { install: ["install"], upgrade: ["install", "--only-upgrade"], remove: ["remove"] }[verb];
  return [...command, "--", ...names];
}

/** apt-get(8), --simulate: `Inst name [old] (new source [arch])`, `Remv name [old]`. */
function wordsOf(line: string): string[] {
  const [, verb, name, old, next] = /^(Inst|Remv) (\S+)(?: \[(\S+)\])?(?: \((\S+))?/.exec(line) ?? [];
  if (verb === undefined) return [];
  if (verb === "Remv") return [`remove ${name}`];
  return [old ? `upgrade ${name} ${old} to ${next}` : `install ${name} ${next}`];
}

async function installed(programs: Programs, names: readonly string[]): Promise<Set<string>> {
  const format = "${db:Status-Abbrev}\\t${Package}\\t${Architecture}\\t${Version}\\n";
  const wanted = names.map((one) => nameAndVersion(one).name);
  const { stdout } = await programs.run("dpkg-query", ["-W", "-f", format, "--", ...wanted]);
  // Wanted or held, and installed.
  const there = linesOf(stdout)
    .map((line) => line.split("\t"))
    .filter(([status]) => /^[hi]i/.test(status!));
  const known = new Set(
    there.flatMap(([, name, arch, version]) => [name!, `${name}:${arch}`].flatMap((one) => [one, `${one}=${version}`])),
  );
  return new Set(names.filter((name) => known.has(name)));
}
