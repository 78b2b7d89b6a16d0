import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { hasRebooted, noteReboot } from "./expected-reboot.ts";

const folder = mkdtempSync(join(tmpdir(), "oc-reboot-"));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a restart that was asked for counts once another boot, or another first process, runs", () => {
  expect(hasRebooted(folder)).toBe(false);
  noteReboot(folder);
  expect(hasRebooted(folder)).toBe(false);
  const [boot, first] = readFileSync(join(folder, "reboot"), "utf8").split(" ");
  writeFileSync(join(folder, "reboot"), `other-boot ${first}`);
  expect(hasRebooted(folder)).toBe(true);
  writeFileSync(join(folder, "reboot"), `${boot} 1${first}`);
  expect(hasRebooted(folder)).toBe(true);
});
