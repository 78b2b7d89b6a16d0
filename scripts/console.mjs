// Builds the console when its sources changed since the last build. Called by start.mjs and test.mjs.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { environmentFor, fail, root, stamps } from "./bootstrap.mjs";

const built = join(root, "ui", "build", "index.html");
const stampFile = join(stamps, "console.sha256");
/** Everything the build reads. Contents are hashed, not times: a checkout touches times and changes nothing. */
const sources = [
  "ui/src",
  "ui/static",
  "ui/package.json",
  "ui/vite.config.ts",
  "ui/tsconfig.json",
  "contract/src",
  "samples/operations",
  "package-lock.json",
];

export function buildConsole(node) {
  const hash = hashOf(sources.map((path) => join(root, path)));
  if (existsSync(built) && existsSync(stampFile) && readFileSync(stampFile, "utf8") === hash) return;
  const started = Date.now();
  process.stdout.write("Building the console (after a change) ... ");
  const vite = join(root, "node_modules", "vite", "bin", "vite.js");
  const result = spawnSync(node, [vite, "build", "--logLevel", "warn"], {
    cwd: join(root, "ui"),
    env: { ...environmentFor(node), NODE_ENV: "production" },
    encoding: "utf8",
  });
  if (result.status !== 0 || !existsSync(built)) {
    process.stderr.write(`\n${result.stdout}${result.stderr}`);
    fail("The console could not be built (see above).");
  }
  mkdirSync(stamps, { recursive: true });
  writeFileSync(stampFile, hash);
  process.stdout.write(`done in ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
}

function hashOf(paths) {
  const hash = createHash("sha256");
  for (const path of paths.flatMap(filesUnder).sort()) {
    const content = readFileSync(path);
    hash.update(`${relative(root, path)}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex");
}

function filesUnder(path) {
  if (!existsSync(path)) return [];
  try {
    return readdirSync(path).flatMap((name) => filesUnder(join(path, name)));
  } catch (error) {
    if (error.code === "ENOTDIR") return [path];
    throw error;
  }
}
