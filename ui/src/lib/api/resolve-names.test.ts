import { describe, expect, it } from "vitest";
import { partsOf, resolveNames } from "./resolve-names.ts";

describe("a preview by names", () => {
  const names = Array.from({ length: 2000 }, (_, i) => `web-${i}.fra1.example.test`);

  it("asks in parts that fit into an address and loses no name", () => {
    const parts = partsOf(names);
    expect(parts.flat()).toEqual(names);
    expect(parts.length).toBeGreaterThan(1);
    for (const part of parts) expect(encodeURIComponent(part.join(",")).length).toBeLessThanOrEqual(5000);
  });

  it("counts the parts together", async () => {
    const sum = await resolveNames(
      names,
      undefined,
      { job: "patch", inputs: "{}" },
      async ({ names: asked = "", job, inputs }) => {
        expect([job, inputs]).toEqual(["patch", "{}"]);
        const count = asked.split(",").length;
        return { count, offline: 1, withoutAgent: 2, limited: true, items: [] };
      },
    );
    const parts = partsOf(names).length;
    expect(sum).toEqual({ count: 2000, offline: parts, withoutAgent: 2 * parts, limited: true, items: [] });
  });

  it("asks once for few names and not at all for none", async () => {
    expect(partsOf(["a", "b"])).toEqual([["a", "b"]]);
    expect(partsOf([])).toEqual([]);
    expect((await resolveNames([], undefined, {})).count).toBe(0);
  });
});
