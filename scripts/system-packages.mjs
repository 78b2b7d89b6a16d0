// Programs from outside npm that the tests use. Called by test.mjs; installs them on Debian where it may.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

/** Where a Chromium may be; the tests are told the first as CHROMIUM_PATH. */
export function chromiumPath() {
  return [
    process.env.CHROMIUM_PATH,
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
  ].find((path) => path && existsSync(path));
}

export function ensureSystemPackages() {
  if (chromiumPath()) return;
  const sudo = process.getuid?.() === 0 ? [] : ["sudo", "-n"];
  if (existsSync("/usr/bin/apt-get") && runs([...sudo, "true"])) {
    process.stdout.write("Installing chromium for the browser tests (apt-get) ... ");
    const apt = [...sudo, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y", "--no-install-recommends"];
    const installed = runs([...apt, "update"]) && runs([...apt, "install", "chromium"]);
    process.stdout.write(installed ? "done\n" : "failed\n");
  }
  if (!chromiumPath())
    process.stdout.write("Chromium is missing: the browser tests will fail. Install it, or set CHROMIUM_PATH.\n");
}

function runs([command, ...args]) {
  const result = spawnSync(command, args, { stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" });
  if (result.status !== 0 && result.stderr) process.stderr.write(`\n${result.stderr}`);
  return result.status === 0;
}
