// The package managers of Linux behind one interface, and which of them this host has. Used by package.ts.
import { ActionFailed } from "../action.ts";
import { apk } from "./apk.ts";
import { apt } from "./apt.ts";
import { dnf } from "./dnf.ts";
import type { Programs } from "./run-program.ts";
import { zypper } from "./zypper.ts";

export type Log = (line: string) => void;

/** `upgrade`: only what is installed. Names may be `name=version`. */
export type PackageChange =
  | { verb: "install" | "upgrade" | "remove"; names: readonly string[] }
  | { verb: "upgradeAll"; names?: undefined };

export interface PackageManager {
  /** Those that are installed, of these; `name=version` only in that version. */
  installed(names: readonly string[]): Promise<Set<string>>;
  /** What it would do, in words that begin with install, upgrade, downgrade or remove and the name; empty: nothing. */
  simulate(change: PackageChange): Promise<string[]>;
  perform(change: PackageChange, log: Log): Promise<void>;
  refresh(log: Log): Promise<void>;
}

/** How long another program may hold the lock: unattended upgrades take their time. */
export const lockTimeoutS = 600;

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
