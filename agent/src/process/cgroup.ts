// A cgroup per try where the agent may make one: no child escapes a kill, whatever it did to its session and
// environment, and memory, processor time and the number of processes can be limited. Used by the runner and by
// stop-try.ts; everything but limits works without it. What stands in the files is in cgroup-limits.ts.
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type CgroupEvents,
  type CgroupLimits,
  emptyEvents,
  limitFiles,
  type Resource,
  readEvents,
} from "./cgroup-limits.ts";
import { findHierarchies, type Hierarchy } from "./find-hierarchies.ts";

export interface Cgroups {
  /** What can be limited here. */
  readonly resources: ReadonlySet<Resource>;
  /** Throws when it cannot be made with those limits; undefined when it cannot be made and none were asked for. */
  create(name: string, limits?: CgroupLimits): TryCgroup | undefined;
  /** What was made for it; after a restart of the agent everything that may have been. */
  of(name: string): TryCgroup;
  remove(name: string): void;
  /** Those of tries that nobody knows any more: their processes end. */
  sweep(isKnown: (name: string) => boolean): void;
}

/** The folders of one try: one that kills all inside at once, where there is version 2, and those that limit. */
export interface TryCgroup {
  kill: string | undefined;
  /** Everything that a process must join before the command begins, without `kill`. */
  limiting: readonly string[];
}

const prefix = "try-";
const nothing: TryCgroup = { kill: undefined, limiting: [] };

/** Looks once, at start. `given`: where steps live, see find-hierarchies.ts; undefined where none can be made. */
export function detectCgroups(
  given?: string,
  mountInfo = readText("/proc/self/mountinfo"),
  own = readText("/proc/self/cgroup"),
): Cgroups | undefined {
  const hierarchies = findHierarchies(mountInfo, own, given).filter(canMake);
  return hierarchies.length === 0 ? undefined : new HostCgroups(hierarchies);
}

class HostCgroups implements Cgroups {
  readonly resources: ReadonlySet<Resource>;
  readonly #hierarchies: readonly Hierarchy[];
  /** In this life of the agent: a step without limits costs nothing where only limits need a cgroup. */
  readonly #made = new Map<string, TryCgroup>();

  constructor(hierarchies: readonly Hierarchy[]) {
    this.#hierarchies = hierarchies;
    this.resources = new Set(hierarchies.flatMap((hierarchy) => [...hierarchy.resources]));
  }

  create(name: string, limits: CgroupLimits = {}): TryCgroup | undefined {
    const limited = Object.values(limits).some((limit) => limit !== undefined);
    const { made, ...cgroup } = this.#foldersOf(name, limits);
    try {
      for (const { folder, version, resources, prepare } of made) {
        makeFolder(folder, prepare);
        for (const file of limitFiles(version, resources, limits)) writeLimit(folder, file);
      }
      this.#made.set(name, cgroup);
      return cgroup;
    } catch (error) {
      this.#made.set(name, nothing);
      removeCgroup(cgroup);
      if (limited) throw new Error(`its limits could not be set: ${(error as Error).message}`, { cause: error });
      return undefined; // not delegated any more, or full: the sweep does without
    }
  }

  of(name: string): TryCgroup {
    return this.#made.get(name) ?? this.#foldersOf(name, { memoryBytes: 1, cpuPercent: 1, processes: 1 });
  }

  remove(name: string): void {
    removeCgroup(this.of(name));
    this.#made.delete(name);
  }

  sweep(isKnown: (name: string) => boolean): void {
    for (const { parent } of this.#hierarchies)
      for (const entry of readdirSync(parent))
        if (entry.startsWith(prefix) && !isKnown(entry.slice(prefix.length))) sweepFolder(join(parent, entry));
  }

  /** Version 2 always, since it kills; the others where a limit needs them. */
  #foldersOf(name: string, limits: CgroupLimits) {
    const wanted = this.#hierarchies.filter(
      ({ version, resources }) => version === 2 || limitFiles(1, resources, limits).length > 0,
    );
    const made = wanted.map((hierarchy) => ({ ...hierarchy, folder: join(hierarchy.parent, `${prefix}${name}`) }));
    const kill = made.find(({ version }) => version === 2)?.folder;
    return { made, kill, limiting: made.map(({ folder }) => folder).filter((folder) => folder !== kill) };
  }
}

/** Kills everything inside at once. */
export function killCgroup({ kill, limiting }: TryCgroup): void {
  if (kill !== undefined) ignoringGone(() => writeFileSync(join(kill, "cgroup.kill"), "1"));
  else for (const pid of limiting.flatMap(membersOf)) ignoringGone(() => void process.kill(pid, "SIGKILL"));
}

/** Processes that live in it. */
export function cgroupMembers({ kill, limiting }: TryCgroup): number[] {
  return kill === undefined ? [...new Set(limiting.flatMap(membersOf))] : membersOf(kill);
}

export function cgroupEvents({ kill, limiting }: TryCgroup): CgroupEvents {
  const all = [kill, ...limiting].flatMap((folder) => (folder === undefined ? [] : [readEvents(folder)]));
  return all.reduce(
    (sum, events) => ({
      killedForMemory: sum.killedForMemory + events.killedForMemory,
      processesRefused: sum.processesRefused + events.processesRefused,
    }),
    emptyEvents,
  );
}

/** What was killed a moment ago still holds it: tried again for a while in the background, and at the next start. */
export function removeCgroup(cgroup: TryCgroup, again: readonly number[] = [20, 100, 500, 2000]): void {
  const left = [cgroup.kill, ...cgroup.limiting].filter((folder) => folder !== undefined && !removeFolder(folder));
  const [next, ...rest] = again;
  if (left.length > 0 && next !== undefined) setTimeout(() => removeCgroup(cgroup, rest), next).unref();
}

function removeFolder(folder: string): boolean {
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true }))
      if (entry.isDirectory()) removeFolder(join(folder, entry.name));
    rmdirSync(folder);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return true;
    if (code === "EBUSY" || code === "ENOTEMPTY") return false;
    throw error;
  }
}

function sweepFolder(folder: string): void {
  for (const pid of membersOf(folder)) ignoringGone(() => void process.kill(pid, "SIGKILL"));
  removeCgroup({ ...nothing, kill: folder });
}

function membersOf(folder: string): number[] {
  return (readText(join(folder, "cgroup.procs")).match(/\d+/g) ?? []).map(Number);
}

// The parent is systemd's to make: who restarts it gives us a new one, to be prepared as the first was.
function makeFolder(folder: string, prepare: () => void): void {
  try {
    makeOnce(folder);
  } catch {
    prepare();
    makeOnce(folder);
  }
}

function makeOnce(folder: string): void {
  try {
    mkdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

function writeLimit(folder: string, { name, value, optional }: { name: string; value: string; optional?: boolean }) {
  try {
    writeFileSync(join(folder, name), value);
  } catch (error) {
    if (!optional) throw error; // swap that this kernel does not count cannot be used to get around either
  }
}

function canMake({ parent, version }: Hierarchy): boolean {
  const probe = join(parent, `${prefix}probe-${process.pid}`);
  try {
    makeOnce(probe);
    const usable = version === 1 || readdirSync(probe).includes("cgroup.kill");
    rmdirSync(probe);
    return usable;
  } catch {
    return false; // read-only, or not ours
  }
}

// The kernel was faster.
function ignoringGone(action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!["ENOENT", "ENODEV", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // no such file system here, or gone
  }
}
