// `uses: reboot`: the host starts anew. What is noted here before is how the agent knows, after the restart, that this was
// wanted (runner/resume-try.ts): then the step has succeeded, and the next one begins.
import { existsSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import type { ActionParameters } from "@opsconductor/contract/job/actions/action-catalogue";
import { parseDuration } from "@opsconductor/contract/job/duration";
import { noteReboot } from "../process/expected-reboot.ts";
import { type Action, ActionFailed } from "./action.ts";

export const reboot: Action<ActionParameters<"reboot">> = async ({ message, timeout }, { folder, programs }) => ({
  changes: ["restart the host"],
  apply: async () => {
    noteReboot(folder);
    if (existsSync("/run/systemd/system"))
      await programs.must("systemctl", ["--no-wall", "--message", message, "reboot"]);
    else await programs.must("reboot", []);
    // The end of everything comes as TERM, which is no reason to say that the step failed: nothing listens to it here.
    await pause(parseDuration(timeout)!);
    throw new ActionFailed(`the host was asked to restart and has not gone down within ${timeout}`);
  },
});
