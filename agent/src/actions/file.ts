// `uses: file`: a file with a content, a mode and an owner, or none.
import type { ActionParameters } from "@opsconductor/contract/job/actions/action-catalogue";
import type { Action } from "./action.ts";
import { planFile, planFileAbsent } from "./support/plan-file.ts";

export const file: Action<ActionParameters<"file">> = async ({ content, state, diff, ...wish }, context) => {
  if (state === "absent") return planFileAbsent(wish.path, wish.backup, context);
  const bytes = content === undefined ? undefined : Buffer.from(content);
  return planFile({ ...wish, content: bytes, showDiff: diff }, context);
};
