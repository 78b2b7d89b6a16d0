import { expect, test } from "vitest";
import { paths, safeNext } from "./paths.ts";

test.each([
  ["/agents?state=offline", "/agents?state=offline"],
  [null, "/"],
  ["", "/"],
  ["https://evil.test/", "/"],
  ["//evil.test/", "/"],
  ["/\\evil.test", "/"],
  ["javascript:alert(1)", "/"],
])("after sign-in %s leads to %s", (next, to) => expect(safeNext(next)).toBe(to));

test("names in addresses are escaped", () => {
  expect(paths.job("a/b c")).toBe("/jobs/a%2Fb%20c");
  expect(paths.targets({ select: "env=prod and role in (web)" })).toBe(
    "/targets?select=env%3Dprod+and+role+in+%28web%29",
  );
});
