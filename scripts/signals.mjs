// Lets a child live and die with the script that started it. Called by start.mjs and dev.mjs.
import { fail } from "./bootstrap.mjs";

/** npm and the terminal repeat a signal within milliseconds; a person who presses again has waited longer. */
const repeatMs = 1_000;

/** Passes the first stop signal on as SIGTERM, kills at a later one, and ends with the child's exit code. */
export function forwardSignals(child) {
  let stoppingSince;
  const stop = () => {
    if (stoppingSince === undefined) {
      stoppingSince = Date.now();
      child.kill("SIGTERM");
    } else if (Date.now() - stoppingSince > repeatMs) {
      process.stderr.write("Stopped by force; the next start takes over what was left running.\n");
      child.kill("SIGKILL");
    }
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, stop);
  child.on("error", (error) => fail(`Could not start ${child.spawnfile}: ${error.message}`));
  child.on("exit", (code, signal) => {
    // A stop that was asked for is no failure, so that npm does not print its error block after Ctrl-C.
    if (stoppingSince !== undefined && (code === 0 || signal)) process.exit(0);
    process.exit(code ?? 1);
  });
}
