import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HostWatch } from "./host-watch.ts";

let folder: string;
let watch: HostWatch;
let seen: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "host-watch-"));
  watch = new HostWatch(folder);
  seen = [];
  watch.listen((event, at) => seen.push(`${event} ${at.slice(join(folder, "host/work/").length)}`));
});
afterEach(() => {
  watch.close();
  rmSync(folder, { recursive: true });
});

const spawn = () => join(folder, "host/work/7/0.1.1");
const until = (fact: string) => expect.poll(() => seen).toContain(fact);

test("the records of a try are told in the order in which they appear, each once", async () => {
  mkdirSync(spawn(), { recursive: true });
  await until("spawn 7/0.1.1");
  for (const name of ["claim", "head", "code", "exit"]) {
    writeFileSync(join(spawn(), name), name === "head" ? "" : "x");
    if (name === "head") appendFileSync(join(spawn(), name), "first bytes");
    await until(`${name} 7/0.1.1`);
    appendFileSync(join(spawn(), name), "more");
  }
  rmSync(spawn(), { recursive: true });
  await until("gone 7/0.1.1");
  const events = [
    "attempt 7",
    ...["spawn", "claim", "head", "code", "exit", "gone"].map((event) => `${event} 7/0.1.1`),
  ];
  expect(seen.toSorted()).toEqual(events.toSorted());
});

test("a try's folder that was made ahead and is moved into place is seen with what is in it, but no output before it is written", async () => {
  mkdirSync(join(folder, "ready/0.1.1"), { recursive: true });
  writeFileSync(join(folder, "ready/0.1.1/head"), "");
  renameSync(join(folder, "ready"), join(folder, "host/work/7"));
  await until("spawn 7/0.1.1");
  expect(seen).not.toContain("head 7/0.1.1");
  appendFileSync(join(spawn(), "head"), "first bytes");
  await until("head 7/0.1.1");
});
