// What npm installed is patched, strictly: what is not the published file is left alone and said.
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { applyHunks, parsePatch, patchesHash, patchPackages } from "./patch-packages.mjs";

const scripts = dirname(fileURLToPath(import.meta.url));
const installed = join(scripts, "..", "node_modules");
const patches = readdirSync(join(scripts, "patches"));
const files = patches.flatMap((name) => {
  const [, packageName] = /^(.+)-[\d.]+\.patch$/.exec(name)!;
  const parsed = parsePatch(readFileSync(join(scripts, "patches", name), "utf8"));
  return parsed.map(({ path, hunks }) => ({ packageName: packageName!, path, hunks }));
});
let copy: string;

beforeEach(() => {
  copy = mkdtempSync(join(tmpdir(), "patched-"));
  for (const { packageName, path } of files) {
    mkdirSync(dirname(join(copy, packageName, path)), { recursive: true });
    for (const file of [path, "package.json"])
      cpSync(join(installed, packageName, file), join(copy, packageName, file));
  }
});
afterEach(() => rmSync(copy, { recursive: true }));

const read = (root: string, { packageName, path }: { packageName: string; path: string }) =>
  readFileSync(join(root, packageName, path), "utf8");

/** The files as they were published, made from the installed ones. */
function unpatch(): void {
  for (const file of files) {
    const back = file.hunks.map((h) => ({ ...h, oldStart: h.newStart, removed: h.added, added: h.removed }));
    const published = applyHunks(read(copy, file).split("\n"), back);
    expect(published).toBeDefined();
    writeFileSync(join(copy, file.packageName, file.path), published!.join("\n"));
  }
}

it("makes the published packages what is installed here, once", () => {
  unpatch();
  expect(patchPackages(copy)).toHaveLength(files.length);
  for (const file of files) expect(read(copy, file)).toBe(read(installed, file));
  expect(patchPackages(copy)).toEqual([]);
});

it("refuses a file that is neither the published nor the patched one", () => {
  unpatch();
  const [{ packageName, path }] = files as [(typeof files)[0]];
  const [first] = files[0]!.hunks;
  const other = read(copy, files[0]!).split("\n").with(first!.oldStart, "// somebody was here");
  writeFileSync(join(copy, packageName, path), other.join("\n"));
  expect(() => patchPackages(copy)).toThrow(/neither the published nor the patched one/);
  expect(read(copy, files[0]!)).toBe(other.join("\n"));
});

it("refuses another version than the one that the patch was made for", () => {
  const manifest = join(copy, files[0]!.packageName, "package.json");
  writeFileSync(manifest, JSON.stringify({ version: "99.0.0" }));
  expect(() => patchPackages(copy)).toThrow(/version 99.0.0 is installed; renew or drop the patch/);
});

it("has a hash that a bootstrap can compare", () => {
  expect(patchesHash()).toMatch(/^[0-9a-f]{64}$/);
});
