import fc from "fast-check";
import { expect, test } from "vitest";
import { fromOriginalTarget, toOriginalTarget } from "./shapes.ts";

const label = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.-]{0,10}$/);

test("labels survive the way to tags and back, whatever their values hold", () => {
  fc.assert(
    fc.property(fc.dictionary(label, fc.string()), (labels) => {
      const target = {
        id: "",
        name: "a",
        hostname: null,
        address: null,
        os: null,
        description: "",
        labels,
        services: [],
      };
      const original = toOriginalTarget({ ...target, createdAt: "", updatedAt: "" } as never);
      expect(fromOriginalTarget(original).labels).toEqual(labels);
    }),
  );
});
