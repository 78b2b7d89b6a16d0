// The package managers of Linux behind one interface, and which of them this host has. Used by package.ts.
import { ActionFailed } from "../action.ts";
import { apk } from "./apk.ts";
import { apt } from "./apt.ts";
import { dnf } from "./dnf.ts";
import type { PackageManager } from "./package-manager.ts";
import type { Programs } from "./run-program.ts";
import { zypper } from "./zypper.ts";

const managers: readonly [string, (programs: Programs) => PackageManager][] = [
  ["apt-get", apt],
  ["dnf", (programs) => dnf(programs, "dnf")],
  ["zypper", zypper],
  ["yum", (programs) => dnf(programs, "yum")],
  ["apk", apk],
];

export async function findPackageManager(programs: Programs): Promise<PackageManager> {
  for (const [program, make] of managers) if (await programs.installed(program)) return make(programs);
  throw new ActionFailed("this host has none of apt, dnf, yum, zypper and apk");
}
