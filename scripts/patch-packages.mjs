// Applies scripts/patches/<package>-<version>.patch to node_modules. Called after every install (package.json's
// postinstall, bootstrap.mjs). Plain JavaScript for any Node >= 18. Unified diffs, as `diff -ru` writes them and
// `patch -p1` reads them, but without fuzz: a line that differs is another version, and somebody has to look.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = join(dirname(fileURLToPath(import.meta.url)), "patches");
const patchFiles = () =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".patch"))
    .sort();

/** Changes with every patch, so that a bootstrap knows when to install again. */
export function patchesHash() {
  const hash = createHash("sha256");
  for (const name of patchFiles()) hash.update(readFileSync(join(folder, name)));
  return hash.digest("hex");
}

/** Returns what it changed; what is patched already stays. Throws when a package is not what its patch is for. */
export function patchPackages(nodeModules) {
  return patchFiles().flatMap((name) => {
    const [, packageName, version] = /^(.+)-(\d+\.\d+\.\d+)\.patch$/.exec(name);
    const root = join(nodeModules, packageName);
    if (!existsSync(root)) throw new Error(`${name}: ${packageName} is not installed`);
    const installed = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version;
    if (installed !== version) throw new Error(`${name}: version ${installed} is installed; renew or drop the patch`);
    return parsePatch(readFileSync(join(folder, name), "utf8")).filter((file) => patchFile(root, file));
  });
}

/** Written beside and renamed: a process that starts meanwhile reads the old or the new file, never half of it. */
function patchFile(root, { path, hunks }) {
  const file = join(root, path);
  const before = readFileSync(file, "utf8").split("\n");
  const after = applyHunks(before, hunks);
  if (!after && applyHunks(before, hunks.map(reverse))) return false;
  if (!after) throw new Error(`${file} is neither the published nor the patched one: remove node_modules, npm ci`);
  writeFileSync(`${file}.${process.pid}`, after.join("\n"));
  renameSync(`${file}.${process.pid}`, file);
  return true;
}

const reverse = ({ oldStart, newStart, removed, added }) => ({
  oldStart: newStart,
  newStart: oldStart,
  removed: added,
  added: removed,
});

/** The lines with every hunk applied; undefined when one of them does not find exactly what it replaces. */
export function applyHunks(lines, hunks) {
  const result = [];
  let at = 0;
  for (const { oldStart, removed, added } of hunks) {
    result.push(...lines.slice(at, oldStart - 1), ...added);
    at = oldStart - 1 + removed.length;
    if (removed.some((line, index) => lines[oldStart - 1 + index] !== line)) return undefined;
  }
  return [...result, ...lines.slice(at)];
}

/** What comes before the first `---` is for people. */
export function parsePatch(text) {
  const files = [];
  for (const line of text.split("\n")) {
    const hunk = files.at(-1)?.hunks.at(-1);
    if (line.startsWith("--- a/")) files.push({ path: line.slice(6).split("\t")[0], hunks: [] });
    else if (line.startsWith("@@ ")) {
      const [, oldStart, newStart] = /^@@ -(\d+)(?:,\d+)? \+(\d+)/.exec(line);
      files.at(-1).hunks.push({ oldStart: Number(oldStart), newStart: Number(newStart), removed: [], added: [] });
    } else if (hunk && /^[ +-]/.test(line) && !line.startsWith("+++ ")) {
      if (line[0] !== "+") hunk.removed.push(line.slice(1));
      if (line[0] !== "-") hunk.added.push(line.slice(1));
    }
  }
  return files;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  for (const { path } of patchPackages(join(dirname(folder), "..", "node_modules")))
    process.stdout.write(`patched ${path}\n`);
