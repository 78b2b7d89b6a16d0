// Runs the benchmark that the command line names. Called by scripts/bench.mjs.
import { benchAgent } from "./agent.ts";
import { benchAudit } from "./audit.ts";
import { benchAuthorisation } from "./authorisation.ts";
import { benchConsole } from "./console.ts";
import { benchConsoleLog } from "./console-log.ts";
import { benchConsoleTimes } from "./console-times.ts";
import { benchDispatch } from "./dispatch.ts";
import { benchFanOut } from "./fan-out.ts";
import { benchHistory } from "./history.ts";
import { benchMemory } from "./memory.ts";
import { benchOutput } from "./output.ts";
import { benchRevocation } from "./revocation.ts";
import { benchRollout } from "./rollout.ts";
import { benchSelector } from "./selector.ts";
import { benchStart } from "./start.ts";
import { benchThroughput } from "./throughput.ts";

const benchmarks: Record<string, () => Promise<void>> = {
  dispatch: benchDispatch,
  "fan-out": benchFanOut,
  throughput: benchThroughput,
  history: benchHistory,
  start: benchStart,
  memory: benchMemory,
  output: benchOutput,
  agent: benchAgent,
  audit: benchAudit,
  console: benchConsole,
  "console-log": benchConsoleLog,
  "console-times": benchConsoleTimes,
  authorisation: benchAuthorisation,
  selector: benchSelector,
  rollout: benchRollout,
  revocation: benchRevocation,
};

const benchmark = benchmarks[process.argv[2] ?? ""];
if (!benchmark) {
  process.stderr.write(`Usage: npm run bench -- ${Object.keys(benchmarks).join(" | ")}\n`);
  process.exit(2);
}
await benchmark();
