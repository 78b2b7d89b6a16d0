// `uses: copy`: a file of the host at another place too.
import type { ActionParameters } from "@opsconductor/contract/job/actions/action-catalogue";
import { type Action, ActionFailed } from "./action.ts";
import { changedBefore, madeBefore } from "./made-before.ts";
import { findFile, hashFile, planFile } from "./support/plan-file.ts";

export const copy: Action<ActionParameters<"copy">> = async ({ from, sha256, ...wish }, context) => {
  const source = await findFile(from);
  if (source.stats === undefined) {
    const waits = madeBefore(context.madeBefore, { kind: "file", name: from });
    if (waits === undefined) throw new ActionFailed(`${from} is not there, so it cannot be copied`);
    return { changes: [`copy ${from} to ${wish.path}${waits}`] };
  }
  const waits = changedBefore(context.madeBefore, { kind: "file", name: from });
  if (waits !== undefined) return { changes: [`copy ${from} to ${wish.path}${waits}`] };
  const found = sha256 === undefined ? undefined : await hashFile(source.path);
  if (found !== sha256) throw new ActionFailed(`${from} has the sha256 ${found}, not ${sha256}: nothing was copied`);
  const mode = wish.mode ?? (Number(source.stats.mode) & 0o7777).toString(8).padStart(4, "0");
  return planFile({ ...wish, mode, content: { file: source.path } }, context);
};
