import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { hasEnded, readClaim, readExit } from "./try-records.ts";

const folder = mkdtempSync(join(tmpdir(), "oc-records-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** What `read` makes of each beginning of a record that is shorter than the whole. */
function ofEveryPrefix<T>(name: string, whole: string, read: (folder: string) => T): T[] {
  mkdirSync(folder, { recursive: true });
  return Array.from({ length: whole.length }, (_, length) => {
    writeFileSync(join(folder, name), whole.slice(0, length));
    return read(folder);
  });
}

test("no part of an exit record is taken for a whole one", () => {
  const whole = "1 1234 5678 137 99.50 cancelled Killed\nend\n";
  expect(new Set(ofEveryPrefix("exit", whole, readExit))).toEqual(new Set([undefined]));
  writeFileSync(join(folder, "exit"), whole);
  expect(readExit(folder)).toMatchObject({
    signal: "SIGKILL",
    stopped: "cancelled",
    headBytes: 1234n,
    restBytes: 5678n,
  });
});

test("no part of a claim is taken for a whole one", () => {
  const whole = "1 boot-id 1234 5678 100 200 end\n";
  expect(new Set(ofEveryPrefix("claim", whole, readClaim))).toEqual(new Set(["torn"]));
  writeFileSync(join(folder, "claim"), whole);
  expect(readClaim(folder)).toEqual({ bootId: "boot-id", pid: 1234, startTime: "5678", tailLimit: 200 });
});

test("a command has ended when its whole line is there", () => {
  expect(ofEveryPrefix("code", "0 12.34 - \n", hasEnded)).not.toContain(true);
});
