// `uses: package`: what is installed, with the host's own package manager.
import type { ActionParameters } from "@opsconductor/contract/job/actions/action-catalogue";
import { type Action, type ActionContext, ActionFailed, type ActionPlan } from "./action.ts";
import { findPackageManager } from "./support/find-package-manager.ts";
import type { PackageChange, PackageManager } from "./support/package-manager.ts";
import { nameAndVersion } from "./support/package-words.ts";

type Parameters = ActionParameters<"package">;

export const packages: Action<Parameters> = async (parameters, context) => {
  const manager = await findPackageManager(context.programs);
  if (parameters.upgradeAll) return planUpgrade(manager, parameters, context);
  const names = parameters.names!;
  const installed = await manager.installed(names);
  const there = names.filter((name) => installed.has(name));
  const missing = names.filter((name) => !installed.has(name));
  if (parameters.state === "absent")
    return planned(manager, [{ verb: "remove", names: there }], "nothing is installed", context);
  if (parameters.state === "present" && missing.length === 0)
    return { changes: [], message: `${names.join(", ")} installed` };
  await refresh(manager, parameters, context);
  const old = parameters.state === "latest" ? await outdated(manager, there) : [];
  const changes: PackageChange[] = [
    { verb: "install", names: missing },
    { verb: "upgrade", names: old },
  ];
  return planned(manager, changes, "nothing is to be changed", context);
};

async function planUpgrade(
  manager: PackageManager,
  parameters: Parameters,
  context: ActionContext,
): Promise<ActionPlan> {
  await refresh(manager, parameters, context);
  return planned(manager, [{ verb: "upgradeAll" }], "nothing can be upgraded", context);
}

async function outdated(manager: PackageManager, names: readonly string[]): Promise<string[]> {
  if (names.length === 0) return [];
  const told = await manager.simulate({ verb: "upgrade", names });
  const bare = (name: string) => nameAndVersion(name).name.split(":")[0];
  return names.filter((name) => told.some((line) => line.startsWith(`upgrade ${bare(name)} `)));
}

async function refresh(manager: PackageManager, parameters: Parameters, { check, log }: ActionContext): Promise<void> {
  if (parameters.refresh && !check) await manager.refresh(log);
}

async function planned(
  manager: PackageManager,
  wanted: readonly PackageChange[],
  nothing: string,
  { log }: ActionContext,
): Promise<ActionPlan> {
  const todo = wanted.filter(({ names }) => names === undefined || names.length > 0);
  const told = new Set<string>();
  for (const change of todo) for (const line of await manager.simulate(change)) told.add(line);
  const changes = [...told];
  if (changes.length === 0) return { changes, outputs: { packages: "" }, message: nothing };
  const message =
    changes.length > 3 ? `${changes.slice(0, 3).join("; ")} and ${changes.length - 3} more` : changes.join("; ");
  return {
    changes,
    outputs: { packages: changes.join("\n") },
    apply: async () => {
      for (const change of todo) await perform(manager, change, log);
      return { message };
    },
  };
}

/** apk ends well when something else needs what was to go. */
async function perform(manager: PackageManager, change: PackageChange, log: (line: string) => void): Promise<void> {
  await manager.perform(change, log);
  if (change.verb !== "remove") return;
  const left = await manager.installed(change.names);
  if (left.size > 0) throw new ActionFailed(`${[...left].join(", ")} still installed: see what it says above`);
}
