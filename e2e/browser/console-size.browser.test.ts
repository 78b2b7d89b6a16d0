// The console's budget: what a first visit and each page may weigh. The figures are in ui/scripts/measure.ts, which
// reads the build that the browser tests use.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

test("the console stays within its budget of scripts, styles, fonts and requests", () => {
  const script = join(import.meta.dirname, "../../ui/scripts/measure.ts");
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], { encoding: "utf8" });
  expect(stdout.split("\n").filter((line) => line.startsWith("OVER"))).toEqual([]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
});
