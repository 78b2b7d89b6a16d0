import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openDataDirectory } from "./data-directory.ts";
import { StartRefused } from "./start-refused.ts";

const fresh = () => mkdtempSync(join(tmpdir(), "data-directory-"));

function refusal(path: string): StartRefused {
  try {
    openDataDirectory(path).release();
  } catch (error) {
    if (error instanceof StartRefused) return error;
    throw error;
  }
  throw new Error("was not refused");
}

test("the folder is made with its parents and can be opened again after its release", () => {
  const path = join(fresh(), "a", "b");
  openDataDirectory(path).release();
  openDataDirectory(path).release();
});

test("a folder held by a living controller is refused with its pid", () => {
  const path = fresh();
  const stat = readFileSync(`/proc/${process.ppid}/stat`, "utf8");
  const startedAt = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  writeFileSync(join(path, "controller.pid"), JSON.stringify({ pid: process.ppid, startedAt }));
  expect(refusal(path).message).toContain(`pid ${process.ppid}`);
});

test("what a killed controller left is taken over, also when its pid is somebody else's by now", () => {
  for (const left of ['{"pid":999999,"startedAt":"1"}', `{"pid":${process.ppid},"startedAt":"1"}`, "", "{"]) {
    const path = fresh();
    writeFileSync(join(path, "controller.pid"), left);
    openDataDirectory(path).release();
  }
});

test("a path through a file is refused with the setting's name and exit code 2", () => {
  const path = fresh();
  writeFileSync(join(path, "file"), "");
  for (const wrong of [join(path, "file"), join(path, "file", "data")]) {
    const error = refusal(wrong);
    expect([error.exitCode, error.message]).toEqual([2, expect.stringContaining("OC_DATA_DIR")]);
  }
});

test("a lock that cannot be written is told as such", () => {
  const path = fresh();
  mkdirSync(join(path, "controller.pid"));
  expect(() => openDataDirectory(path)).toThrow();
});

test.runIf(process.platform === "linux")(
  "a file system that takes no folders is refused instead of tried for ever",
  () => {
    const { message, exitCode } = refusal("/proc/nope/deeper");
    expect(message).toContain("OC_DATA_DIR: /proc/nope/deeper cannot be used: no folder can be made there");
    expect(exitCode).toBe(2);
  },
);
