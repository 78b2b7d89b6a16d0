import { expect, test } from "vitest";
import { boundWords, writtenBounds } from "./step-bounds.ts";

test("the nearest word counts, for each bound by itself", () => {
  const job = { runAs: "app", limits: { memory: "1GiB", cpu: "50%", output: "10MiB" } };
  const stage = { limits: { memory: "512MiB", processes: 20 } };
  expect(boundWords(writtenBounds({ timeout: "5m" }, job, stage))).toEqual([
    "as app",
    "at most 5m a try",
    "512MiB of memory",
    "50% of a processor",
    "20 processes",
  ]);
  const own = { runAs: "root", limits: { output: "1KiB", cpu: "200%" } };
  expect(boundWords(writtenBounds(own, job, undefined))).toEqual([
    "as root",
    "1GiB of memory",
    "2 processors",
    "1KiB of output",
  ]);
});

test("nothing is said of a step that has only what is usual", () => {
  expect(boundWords(writtenBounds({}, { limits: { output: "10MiB" } }))).toEqual([]);
});
