import { expect, test } from "vitest";
import type { JobImport } from "../api/types.ts";
import { byAttention, contentTypeOf, countOutcomes } from "./import-file.ts";

const job = (name: string, outcome: JobImport["jobs"][number]["outcome"]): JobImport["jobs"][number] => ({
  ...{ file: `${name}.yaml`, name, outcome, version: 1, errors: [], notes: [] },
});
const jobs = [job("a", "unchanged"), job("b", "new"), job("c", "new_version"), job("d", "problem"), job("e", "new")];

test.each([
  ["jobs-2026-11-24.zip", "application/zip"],
  ["JOBS.ZIP", "application/zip"],
  ["web.json", "application/json"],
  ["web.yaml", "text/yaml"],
  ["web.yml", "text/yaml"],
  ["Jobfile", "text/yaml"],
])("%s is sent as %s", (name, type) => {
  expect(contentTypeOf(name)).toBe(type);
});

test("what cannot be saved comes first and what is there already last, in the order of the file", () => {
  expect(byAttention(jobs).map(({ name }) => name)).toEqual(["d", "b", "c", "e", "a"]);
  expect(countOutcomes({ jobs })).toEqual({ made: 2, saved: 1, unchanged: 1, problems: 1 });
});
