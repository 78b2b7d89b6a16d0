import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { isAbsolute, join, relative } from "node:path";
import { afterAll, expect, test } from "vitest";
import { StateFolder } from "./state-folder.ts";

const folder = mkdtempSync(join(tmpdir(), "state-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("a folder told relative to the current one is known by its absolute path", () => {
  const { path } = new StateFolder(relative(process.cwd(), join(folder, "agent")));
  expect(isAbsolute(path)).toBe(true);
  expect(path).toBe(join(folder, "agent"));
});
