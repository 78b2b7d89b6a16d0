// `uses: reboot`: the host starts anew. What is noted here before is how the agent knows, after the restart, that this was
// wanted (runner/resume-try.ts): then the step has succeeded, and the next one begins.
import { existsSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import type { ActionParameters } from "@opsconductor/contract/job/actions/action-catalogue";
import { parseDuration } from "@opsconductor/contract/job/duration";
import { forgetReboot, noteReboot } from "../process/expected-reboot.ts";
import { type Action, ActionFailed } from "./action.ts";
import type { Programs } from "./support/run-program.ts";

/** The host's end comes to all processes at once: who is told of it has to see the agent's own end first. */
const endsAfterMs = 5000;

export const reboot: Action<ActionParameters<"reboot">> = async (
  { message, timeout },
  { folder, programs, signal },
) => ({
  changes: ["restart the host"],
  apply: async () => {
    noteReboot(folder);
    const refusal = await ask(programs, message, signal);
    if (refusal !== undefined) {
      forgetReboot(folder); // a restart that comes later is somebody else's
      throw new ActionFailed(`the host refused to restart: ${refusal}`);
    }
    // The end of everything comes as TERM, which is no reason to say at once that the step failed; but systemd would wait
    // for us for a minute and a half.
    await pause(parseDuration(timeout)!, undefined, { signal }).catch(() => pause(endsAfterMs));
    throw new ActionFailed(`the host was asked to restart and has not gone down within ${timeout}`);
  },
});

/** Undefined when it was asked, or may have been: what asks can be ended by the restart itself. */
async function ask(programs: Programs, message: string, signal: AbortSignal): Promise<string | undefined> {
  const [program, args] = existsSync("/run/systemd/system")
    ? (["systemctl", ["--no-wall", "--message", message, "reboot"]] as const)
    : (["reboot", []] as const);
  try {
    const { code, stdout, stderr } = await programs.run(program, args);
    if (code === 0 || code >= 128) return undefined;
    return `${stdout}${stderr}`.trim().split("\n").at(-1) || `${program} ended with ${code}`;
  } catch (error) {
    if (signal.aborted) return undefined;
    return (error as Error).message;
  }
}
