// Where this agent may make cgroups: in version 2, and on hosts that still use version 1 in one hierarchy for each
// resource. Called once at the agent's start by cgroup.ts.
//
// Steps live in a unit of their own where there is one (OC_CGROUP, relative to the agent's own cgroup; the installer
// makes opsconductor-steps.service). In the agent's own cgroup their limits could not be kept over its restart: version
// 2 wants no processes beside cgroups that are limited, and so systemd could not start the agent again beside steps that
// run on.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { controllerOf, type Resource } from "./cgroup-limits.ts";

export interface Hierarchy {
  version: 1 | 2;
  /** The cgroups of tries are made in here. */
  parent: string;
  resources: ReadonlySet<Resource>;
  /** Makes `parent` pass its controllers on; again after somebody made it anew. */
  prepare: () => void;
}

interface Mount {
  version: 1 | 2;
  root: string;
  folder: string;
  controllers: readonly string[];
}

const resourceNames = Object.keys(controllerOf) as Resource[];

/** `mountInfo` and `own`: as in /proc/self. */
export function findHierarchies(mountInfo: string, own: string, given: string | undefined): Hierarchy[] {
  return mountsOf(mountInfo).flatMap((mount) => {
    const path = ownPath(own, mount);
    // In the machine's root we would litter its own tree; there a sweep has to do.
    if (path === undefined || (path === "/" && given === undefined)) return [];
    const inside = relativeTo(mount.root, path);
    if (inside === undefined) return [];
    const named = given === undefined ? undefined : join(mount.folder, given.startsWith("/") ? "/" : inside, given);
    const isOurs = named?.startsWith(`${mount.folder}/`) && existsSync(join(named, "cgroup.procs"));
    if (!isOurs && path === "/") return [];
    const hierarchy = hierarchyOf(mount, isOurs ? named! : join(mount.folder, inside), isOurs === true);
    return hierarchy === undefined ? [] : [hierarchy];
  });
}

function hierarchyOf(mount: Mount, parent: string, isOurs: boolean): Hierarchy | undefined {
  if (mount.version === 1) {
    const resources = new Set(resourceNames.filter((name) => mount.controllers.includes(controllerOf[name])));
    return resources.size === 0 ? undefined : { version: 1, parent, resources, prepare: () => {} };
  }
  const prepare = () => {
    if (isOurs) passControllersOn(parent);
  };
  tryIt(prepare);
  const enabled = words(join(parent, "cgroup.subtree_control"));
  return {
    ...{ version: 2, parent, prepare },
    resources: new Set(resourceNames.filter((name) => enabled.includes(controllerOf[name]))),
  };
}

/** The process that keeps the unit alive goes into a cgroup of its own: a cgroup has processes or limited children. */
function passControllersOn(parent: string): void {
  const [there, enabled] = [words(join(parent, "cgroup.controllers")), words(join(parent, "cgroup.subtree_control"))];
  const missing = Object.values(controllerOf).filter((name) => there.includes(name) && !enabled.includes(name));
  if (missing.length === 0) return;
  const keeper = join(parent, "keeper");
  mkdirSync(keeper, { recursive: true });
  for (const pid of words(join(parent, "cgroup.procs"))) writeFileSync(join(keeper, "cgroup.procs"), pid);
  writeFileSync(join(parent, "cgroup.subtree_control"), missing.map((name) => `+${name}`).join(" "));
}

function mountsOf(mountInfo: string): Mount[] {
  const all = mountInfo.split("\n").flatMap((line): Mount[] => {
    const [, root, folder, type, options] =
      /^\S+ \S+ \S+ (\S+) (\S+) .* - (cgroup2?) \S+ (\S+)$/.exec(line.trim()) ?? [];
    if (root === undefined) return [];
    return [{ version: type === "cgroup2" ? 2 : 1, root, folder: folder!, controllers: options!.split(",") }];
  });
  const used = all.filter(
    ({ version, controllers }) =>
      version === 2 || Object.values(controllerOf).some((name) => controllers.includes(name)),
  );
  // The same hierarchy at two places: one is enough.
  const key = ({ version, controllers }: Mount) => (version === 2 ? "2" : controllers.toSorted().join(","));
  return [...new Map(used.map((mount) => [key(mount), mount])).values()];
}

/** Of this process in that hierarchy, seen from the machine. */
function ownPath(own: string, { version, controllers }: Mount): string | undefined {
  for (const line of own.split("\n")) {
    const [, names, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (path === undefined) continue;
    if (version === 2 ? names === "" : names!.split(",").some((name) => name !== "" && controllers.includes(name)))
      return path;
  }
  return undefined;
}

/** A container sees only a part of the tree. */
function relativeTo(root: string, path: string): string | undefined {
  if (root === "/") return path;
  if (path === root) return "/";
  return path.startsWith(`${root}/`) ? path.slice(root.length) : undefined;
}

function words(file: string): string[] {
  try {
    return readFileSync(file, "utf8").split(/\s+/).filter(Boolean);
  } catch {
    return []; // not there
  }
}

function tryIt(action: () => void): void {
  try {
    action();
  } catch {
    // what was not passed on cannot be limited, and a step that needs it is told so
  }
}
