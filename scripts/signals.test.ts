import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { until } from "@opsconductor/contract/testing/until";
import { expect, test } from "vitest";

// What npm does: a shell that waits for the script, which starts the child that must not be left behind.
const script = `
  import { spawn } from "node:child_process";
  import { forwardSignals } from ${JSON.stringify(fileURLToPath(new URL("signals.mjs", import.meta.url)))};
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore", detached: true });
  forwardSignals(child);
  console.log(child.pid);`;
const shell = ["-c", '"$NODE" --input-type=module -e "$SCRIPT"; exit 0'];
const env = { ...process.env, NODE: process.execPath, SCRIPT: script, npm_lifecycle_event: "start" };
const asNpm = `require("node:child_process").spawn("sh", ${JSON.stringify(shell)}, { stdio: "inherit" })`;

test.skipIf(process.platform === "win32").each([
  ["the shell of npm ends alone, as by a SIGTERM for npm", "sh", shell, "SIGTERM"],
  ["npm is killed and its shell goes on", process.execPath, ["-e", asNpm], "SIGKILL"],
] as const)("nothing is left behind when %s", async (_, program, args, signal) => {
  const above = spawn(program, args, { env, stdio: ["ignore", "pipe", "inherit"] });
  const childPid = Number(await new Promise((resolve) => above.stdout.once("data", resolve)));
  expect(isThere(childPid)).toBe(true);
  above.kill(signal);
  await until("the end of the child", () => !isThere(childPid));
});

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
