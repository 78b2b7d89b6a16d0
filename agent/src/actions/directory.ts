// `uses: directory`: a directory with a mode and an owner, or none.
import { mkdir, readdir, rm, rmdir, stat } from "node:fs/promises";
import type { ActionParameters } from "@opsconductor/contract/job/actions/action-catalogue";
import { type Action, type ActionContext, ActionFailed, type ActionPlan } from "./action.ts";
import { applyRights, lstatOrNone, rightsChanges, wantedRights } from "./support/plan-file.ts";

type Parameters = ActionParameters<"directory">;

export const directory: Action<Parameters> = async (wish, context) =>
  wish.state === "absent" ? planAbsent(wish) : planPresent(wish, context);

async function planPresent(wish: Parameters, context: ActionContext): Promise<ActionPlan> {
  const { path } = wish;
  const there = await lstatOrNone(path);
  // A link to a directory is one, as for every program that uses it.
  const stats = there?.isSymbolicLink() ? await stat(path, { bigint: true }).catch(() => there) : there;
  if (stats !== undefined && !stats.isDirectory()) throw new ActionFailed(`${path} is there and is no directory`);
  const rights = await wantedRights(context, wish, stats, 0o755);
  return {
    changes:
      stats === undefined ? [`create the directory ${path}`, ...rights.waiting] : rightsChanges(path, stats, rights),
    message: `${path} is as it should be`,
    apply: async () => {
      if (stats === undefined) await mkdir(path, { recursive: true });
      await applyRights(path, rights, stats);
      return undefined;
    },
  };
}

async function planAbsent({ path, recursive }: Parameters): Promise<ActionPlan> {
  const stats = await lstatOrNone(path);
  if (stats === undefined) return { changes: [], message: `${path} is not there` };
  if (!stats.isDirectory()) throw new ActionFailed(`${path} is no directory: remove it with the action file`);
  if (/^\/+$/.test(path.replaceAll(/\/\.(?=\/|$)/g, "/"))) throw new ActionFailed("the root directory is not removed");
  const inside = await readdir(path);
  if (inside.length > 0 && !recursive)
    throw new ActionFailed(`${path} is not empty (${inside.length} entries): say recursive: true to remove all of it`);
  return {
    changes: [`remove ${path}${inside.length > 0 ? ` with ${inside.length} entries` : ""}`],
    apply: async () => {
      await (recursive ? rm(path, { recursive: true, force: true }) : rmdir(path));
      return undefined;
    },
  };
}
