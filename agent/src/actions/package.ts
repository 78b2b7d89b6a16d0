// `uses: package`: what is installed, with the host's own package manager.
import type { ActionParameters } from "@opsconductor/contract/job/actions/action-catalogue";
import { type Action, type ActionContext, ActionFailed, type ActionPlan } from "./action.ts";
import { findPackageManager, type PackageManager } from "./support/package-managers.ts";

type Parameters = ActionParameters<"package">;

export const packages: Action<Parameters> = async (parameters, context) => {
  const manager = await findPackageManager(context.programs);
  if (parameters.upgradeAll) return planUpgrade(manager, parameters, context);
  const names = parameters.names!;
  const installed = await manager.installed(names);
  if (parameters.state === "absent") {
    const there = names.filter((name) => installed.has(name));
    return planned(
      there,
      there.map((name) => `remove ${name}`),
      "is installed",
      (log) => manager.remove(there, log),
      context,
    );
  }
  const missing = names.filter((name) => !installed.has(name));
  if (parameters.state === "present" && missing.length === 0)
    return { changes: [], message: `${names.join(", ")} installed` };
  await refresh(manager, parameters, context);
  const old = parameters.state === "latest" ? await manager.outdated(names.filter((name) => installed.has(name))) : [];
  const wanted = [...missing, ...old];
  const changes = await manager.simulate(wanted);
  return planned(wanted, changes, "is to be changed", (log) => manager.install(wanted, log), context);
};

async function planUpgrade(
  manager: PackageManager,
  parameters: Parameters,
  context: ActionContext,
): Promise<ActionPlan> {
  await refresh(manager, parameters, context);
  const changes = await manager.simulateUpgrade();
  return planned(changes, changes, "can be upgraded", (log) => manager.upgrade(log), context);
}

async function refresh(manager: PackageManager, parameters: Parameters, { check, log }: ActionContext): Promise<void> {
  if (parameters.refresh && !check) await manager.refresh(log);
}

type Log = (line: string) => void;

function planned(
  wanted: readonly string[],
  told: readonly string[],
  nothing: string,
  apply: (log: Log) => Promise<void>,
  { log }: ActionContext,
): ActionPlan {
  if (wanted.length === 0) return { changes: [], outputs: { packages: "" }, message: `nothing ${nothing}` };
  const changes = told.length > 0 ? [...told] : wanted.map((name) => `install ${name}`);
  const message =
    changes.length > 3 ? `${changes.slice(0, 3).join("; ")} and ${changes.length - 3} more` : changes.join("; ");
  return {
    changes,
    outputs: { packages: changes.join("\n") },
    apply: async () => {
      await apply(log).catch((error) => {
        throw error instanceof ActionFailed ? error : new ActionFailed((error as Error).message, { cause: error });
      });
      return { message };
    },
  };
}
