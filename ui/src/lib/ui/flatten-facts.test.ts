import { expect, test } from "vitest";
import { flattenFacts } from "./flatten-facts.ts";

test("facts become dotted names as selectors write them, sorted", () => {
  const facts = {
    os: { family: "linux", boot: null },
    cpu: { count: 8 },
    addresses: ["10.0.0.1", "::1"],
    disks: [{ mount: "/" }],
    empty: {},
  };
  expect(flattenFacts(facts)).toEqual([
    { name: "addresses", value: "10.0.0.1, ::1" },
    { name: "cpu.count", value: "8" },
    { name: "disks.0.mount", value: "/" },
    { name: "os.boot", value: "" },
    { name: "os.family", value: "linux" },
  ]);
});
