// What package.ts asks of a package manager, and what all of them keep to. Used by find-package-manager.ts and the file of each.

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
