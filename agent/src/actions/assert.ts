// `uses: assert`: conditions that must all be true; the agent has evaluated them.
import type { ActionParameters } from "@opsconductor/contract/job/actions/action-catalogue";
import { type Action, ActionFailed } from "./action.ts";

export const assertAll: Action<ActionParameters<"assert">> = async ({ that, message }) => {
  const wrong = that.flatMap((value, index) => (String(value) === "true" ? [] : [index + 1]));
  if (wrong.length === 0) return { changes: [], message: `all ${that.length} conditions are true` };
  const which = `condition ${wrong.join(", ")} of ${that.length} is false`;
  throw new ActionFailed(message === undefined ? which : `${message} (${which})`);
};
