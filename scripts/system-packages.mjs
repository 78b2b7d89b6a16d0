// Programs from outside npm that the tests use. Called by test.mjs; installs them on Debian where it may.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

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

const isRoot = process.getuid?.() === 0;

/** What a suite needs; `missing`: what it means when it is not there. */
const needs = [
  {
    suite: "e2e",
    packages: ["openssl"],
    isThere: () => process.platform !== "linux" || onPath("openssl"),
    missing: "openssl is missing: the test of the example certificate-expiry will fail. Install it.",
  },
  {
    suite: "browser",
    packages: ["chromium"],
    isThere: () => chromiumPath() !== undefined,
    missing: "Chromium is missing: the browser tests will fail. Install it, or set CHROMIUM_PATH.",
  },
  {
    suite: "faults",
    packages: ["iproute2", "nftables"],
    // Without root nothing of it could be used.
    isThere: () => process.platform !== "linux" || !isRoot || ["ip", "tc", "ss", "nft"].every(onPath),
    missing: "iproute2 and nftables are missing: the partition test will be skipped. Install them.",
  },
  {
    suite: "faults",
    packages: ["faketime"],
    isThere: () => process.platform !== "linux" || onPath("faketime"),
    missing: "faketime is missing: the test of wrong clocks will be skipped. Install it.",
  },
];

/** For these suites. Says what is missing, and what was left out. */
export function ensureSystemPackages(suites) {
  for (const { packages, isThere, missing } of needs.filter((need) => suites.includes(need.suite))) {
    if (!isThere()) install(packages);
    if (!isThere()) process.stdout.write(`${missing}\n`);
  }
  if (suites.includes("faults") && !isRoot)
    process.stdout.write("Not root: the partition test, which makes network namespaces, will be skipped.\n");
}

function install(packages) {
  const sudo = isRoot ? [] : ["sudo", "-n"];
  if (!existsSync("/usr/bin/apt-get") || !runs([...sudo, "true"])) return;
  process.stdout.write(`Installing ${packages.join(" and ")} for the tests (apt-get) ... `);
  const apt = [...sudo, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y", "--no-install-recommends"];
  const installed = runs([...apt, "update"]) && runs([...apt, "install", ...packages]);
  process.stdout.write(installed ? "done\n" : "failed\n");
}

function onPath(name) {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => folder !== "" && existsSync(join(folder, name)));
}

function runs([command, ...args]) {
  const result = spawnSync(command, args, { stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" });
  if (result.status !== 0 && result.stderr) process.stderr.write(`\n${result.stderr}`);
  return result.status === 0;
}
