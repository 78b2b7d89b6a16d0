// The program of one action: `node action <folder of the try>`. A supervisor starts it for a step with `uses`
// (runner/action-command.ts); the agent that asked for it may be gone by then.
import { runAction } from "./actions/run-action.ts";

const stopping = new AbortController();
process.once("SIGTERM", () => stopping.abort(new Error("it was stopped")));
const code = await runAction(process.argv[2]!, process.env, stopping.signal);
// What still holds the process (a keep-alive connection, a timer) must not hold the step.
process.stdout.write("", () => process.exit(code));
