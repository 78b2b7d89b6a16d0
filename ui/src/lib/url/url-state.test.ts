import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readUrlState, writeUrlState } from "./url-state.ts";

const schema = {
  q: { kind: "text" },
  sort: { kind: "text", default: "name" },
  state: { kind: "choice", of: ["all", "online", "offline"], default: "all" },
  labels: { kind: "set" },
} as const;

const states = fc.record({
  q: fc.string(),
  sort: fc.string(),
  state: fc.constantFrom("all" as const, "online" as const, "offline" as const),
  labels: fc.array(fc.string({ minLength: 1 })),
});

describe("list state in the address", () => {
  test("what is written reads back exactly, whatever people type", () => {
    fc.assert(
      fc.property(states, (state) => {
        const search = writeUrlState(schema, state, "");
        expect(readUrlState(schema, new URLSearchParams(search))).toEqual(state);
      }),
    );
  });

  test("writing twice changes nothing", () => {
    fc.assert(
      fc.property(states, (state) => {
        const once = writeUrlState(schema, state, "");
        expect(writeUrlState(schema, state, once)).toBe(once);
      }),
    );
  });

  test("defaults leave no trace", () => {
    expect(writeUrlState(schema, { q: "", sort: "name", state: "all", labels: [] }, "?q=web&state=offline")).toBe("");
  });

  test("an empty order is not the default order", () => {
    const search = writeUrlState(schema, { q: "", sort: "", state: "all", labels: [] }, "");
    expect(search).toBe("?sort=");
    expect(readUrlState(schema, new URLSearchParams(search)).sort).toBe("");
  });

  test("parameters of others stay", () => {
    expect(writeUrlState(schema, { q: "web", sort: "name", state: "all", labels: [] }, "?tab=facts")).toBe(
      "?tab=facts&q=web",
    );
  });

  test("a value outside of the list falls back to the default", () => {
    expect(readUrlState(schema, new URLSearchParams("state=exploded")).state).toBe("all");
  });

  test("items keep their commas and percent signs", () => {
    const labels = ["a,b", "100%", "%2C"];
    const search = writeUrlState(schema, { q: "", sort: "name", state: "all", labels }, "");
    expect(readUrlState(schema, new URLSearchParams(search)).labels).toEqual(labels);
  });
});
