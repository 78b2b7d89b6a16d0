// What is installed, as rpm's own database says it. Used by dnf.ts and zypper.ts.
import { linesOf, nameAndVersion } from "./package-words.ts";
import type { Programs } from "./run-program.ts";

const format = "%{NAME}\\t%{EPOCH}\\t%{VERSION}\\t%{RELEASE}\\n";

/** A name counts when something provides it; `name=version` with or without the release, and with or without the epoch. */
export async function rpmInstalled(programs: Programs, names: readonly string[]): Promise<Set<string>> {
  const found = new Set<string>();
  for (const wanted of names) {
    const { name, version } = nameAndVersion(wanted);
    const { code, stdout } = await programs.run("rpm", ["-q", "--qf", format, "--whatprovides", "--", name]);
    const versions = code === 0 ? linesOf(stdout).flatMap(versionsOf) : [];
    if (version === undefined ? code === 0 : versions.includes(version)) found.add(wanted);
  }
  return found;
}

/** `name version-release` of each that is installed. */
export async function rpmVersions(programs: Programs, names: readonly string[]): Promise<Map<string, string>> {
  if (names.length === 0) return new Map();
  const { stdout } = await programs.run("rpm", ["-q", "--qf", format, "--", ...names]);
  const rows = linesOf(stdout)
    .map((line) => line.split("\t"))
    .filter((row) => row.length === 4);
  return new Map(rows.map(([name, , version, release]) => [name!, `${version}-${release}`]));
}

function versionsOf(line: string): string[] {
  const [, epoch, version, release] = line.split("\t");
  const both = [version!, `${version}-${release}`];
  return [...both, ...both.map((one) => `${epoch === "(none)" ? "0" : epoch}:${one}`)];
}
