// `uses: message`: a text in the output of the step.
import type { ActionParameters } from "@opsconductor/contract/job/actions/action-catalogue";
import type { Action } from "./action.ts";

export const message: Action<ActionParameters<"message">> = async ({ text }, { log }) => {
  log(text);
  return { changes: [], message: text.split("\n")[0]! };
};
