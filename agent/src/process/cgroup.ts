// A cgroup (version 2) per try where the agent may make one: then no child escapes a kill, whatever it did to its
// session and environment. Used by spawn and stop; everything works without it.
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Cgroups {
  /** The folder for a try; undefined when it cannot be made, and the try runs without. */
  create(name: string): string | undefined;
  folderOf(name: string): string;
}

/** Looks once, at start: undefined where there is no writable cgroup v2 with `cgroup.kill` (Linux 5.14). */
export function detectCgroups(
  mountInfo = readText("/proc/self/mountinfo"),
  own = readText("/proc/self/cgroup"),
): Cgroups | undefined {
  const mount = /^\S+ \S+ \S+ \S+ (\S+) .* - cgroup2 /m.exec(mountInfo)?.[1];
  const path = /^0::(.*)$/m.exec(own)?.[1];
  // In the root cgroup we would litter the machine's own tree; there a sweep has to do.
  if (mount === undefined || path === undefined || path === "/") return undefined;
  const parent = join(mount, path);
  if (!canMake(parent)) return undefined;
  const folderOf = (name: string) => join(parent, `try-${name}`);
  return { folderOf, create: (name) => make(folderOf(name)) };
}

/** Kills everything inside at once. */
export function killCgroup(folder: string): void {
  ignoringGone(() => writeFileSync(join(folder, "cgroup.kill"), "1"));
}

export function removeCgroup(folder: string): void {
  ignoringGone(() => {
    for (const entry of readdirSync(folder, { withFileTypes: true }))
      if (entry.isDirectory()) removeCgroup(join(folder, entry.name));
    rmdirSync(folder);
  });
}

function canMake(parent: string): boolean {
  const probe = make(join(parent, `try-probe-${process.pid}`));
  if (probe === undefined) return false;
  const usable = readdirSync(probe).includes("cgroup.kill");
  rmdirSync(probe);
  return usable;
}

function make(folder: string): string | undefined {
  try {
    mkdirSync(folder, { recursive: true });
    return folder;
  } catch {
    return undefined; // read-only, not delegated, or full: the sweep does without
  }
}

// Busy: a process of the step goes on living after a normal end, which is its right; the folder stays with it.
function ignoringGone(action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!["ENOENT", "ENODEV", "EBUSY", "ENOTEMPTY"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // no such file system here
  }
}
