// Lets a child live and die with the script that started it. Called by start.mjs and dev.mjs.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fail } from "./bootstrap.mjs";

/** npm and the terminal repeat a signal within milliseconds; a person who presses again has waited longer. */
const repeatMs = 1_000;
const watchMs = 500;
/** Looked at before the long work of a start (installing, building), during which npm may end. */
const starter = process.platform === "win32" ? undefined : { pid: process.ppid, above: npmAbove(process.ppid) };

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
  watchStarter(stop);
  child.on("error", (error) => fail(`Could not start ${child.spawnfile}: ${error.message}`));
  child.on("exit", (code, signal) => {
    // A stop that was asked for is no failure, so that npm does not print its error block after Ctrl-C.
    if (stoppingSince !== undefined && (code === 0 || signal)) process.exit(0);
    process.exit(code ?? 1);
  });
}

/**
 * npm starts this through `sh -c`, and where that is dash or busybox a SIGTERM for npm ends npm and the shell only; of a
 * SIGHUP or SIGKILL nobody tells us either. So whoever starts us through npm is watched; else the rest would go on.
 */
function watchStarter(stop) {
  if (starter === undefined || !process.env.npm_lifecycle_event) return;
  const watch = setInterval(() => {
    if (process.ppid === starter.pid && (starter.above === undefined || isThere(starter.above))) return;
    clearInterval(watch);
    stop();
  }, watchMs);
}

/** npm, when `pid` is the shell that it started and not npm itself; a shell may also have become this program (exec). */
function npmAbove(pid) {
  const { args, parent } = lookAt(pid);
  return /^(\S*\/)?(busybox )?(ba|da|a|k|z)?sh -c /.test(args) && parent > 1 ? parent : undefined;
}

function lookAt(pid) {
  try {
    const args = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8"); // the name in parentheses may hold anything
    return { args, parent: Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) };
  } catch {
    // No /proc: macOS and the BSDs.
    const { stdout } = spawnSync("ps", ["-o", "ppid=,args=", "-p", String(pid)], { encoding: "utf8" });
    const [, parent = "0", args = ""] = /^\s*(\d+)\s+(.*)/.exec(stdout ?? "") ?? [];
    return { args, parent: Number(parent) };
  }
}

function isThere(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}
