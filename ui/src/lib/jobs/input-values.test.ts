import { checkInputs } from "@opsconductor/contract/job/inputs";
import { inputSpec } from "@opsconductor/contract/job/job-schema";
import { describe, expect, it } from "vitest";
import { boundText, initialTyped, readAll, readNames, readTyped } from "./input-values.ts";

const spec = (fields: object) => inputSpec.parse(fields);

describe("a field of the run dialog", () => {
  it("begins with the earlier execution's value, else with the default", () => {
    const days = spec({ type: "integer", default: 14 });
    expect(initialTyped(days, 30)).toBe("30");
    expect(initialTyped(days, undefined)).toBe("14");
    expect(initialTyped(spec({ type: "boolean", default: true }), false)).toBe(false);
    expect(initialTyped(spec({ type: "list", default: ["a", "b"] }), undefined)).toBe("a\nb");
    expect(initialTyped(spec({ type: "string" }), undefined)).toBe("");
  });

  it("becomes the value of its type", () => {
    expect(readTyped(spec({ type: "integer" }), " 7 ")).toEqual({ value: 7 });
    expect(readTyped(spec({ type: "number" }), "1.5")).toEqual({ value: 1.5 });
    expect(readTyped(spec({ type: "list" }), "a\n\nb\n")).toEqual({ value: ["a", "b"] });
    expect(readTyped(spec({ type: "boolean" }), false)).toEqual({ value: false });
    expect(readTyped(spec({ type: "string" }), " as typed ")).toEqual({ value: " as typed " });
  });

  it("says what is wrong before anything is sent", () => {
    expect(readTyped(spec({ type: "string", required: true }), "").error).toBeDefined();
    expect(readTyped(spec({ type: "integer" }), "1.5").error).toBeDefined();
    expect(readTyped(spec({ type: "number" }), "abc").error).toBeDefined();
    expect(readTyped(spec({ type: "number" }), " ").error).toBeDefined();
    expect(readTyped(spec({ type: "integer", minimum: 1 }), "0").error).toBe("Must be at least 1");
    expect(readTyped(spec({ type: "string", pattern: "^OPS-[0-9]+$" }), "7").error).toMatch(/^Must match/);
    expect(readTyped(spec({ type: "list", maxItems: 1 }), "a\nb").error).toBeDefined();
  });

  it("is left out when it is empty and may be, so that the default applies", () => {
    expect(readTyped(spec({ type: "integer", default: 3 }), "")).toEqual({});
    expect(readAll({ a: spec({ type: "string" }), b: spec({ type: "integer" }) }, { a: "", b: "2" })).toEqual({
      values: { b: 2 },
      errors: {},
    });
  });

  it("reads values that the controller accepts", () => {
    const specs = {
      text: spec({ type: "string", required: true }),
      count: spec({ type: "integer", minimum: 1, maximum: 9 }),
      window: spec({ type: "choice", options: ["now", "later"] }),
      hosts: spec({ type: "list" }),
      sure: spec({ type: "boolean" }),
    };
    const { values, errors } = readAll(specs, { text: "x", count: "5", window: "now", hosts: "a\nb", sure: true });
    expect(errors).toEqual({});
    expect(checkInputs(specs, values).errors).toEqual([]);
  });
});

describe("target names", () => {
  it("are separated by whatever people put between them, each once", () => {
    expect(readNames(" web-1, web-2;web-3\nweb-1\tdb ")).toEqual(["web-1", "web-2", "web-3", "db"]);
    expect(readNames(" ,; ")).toEqual([]);
  });
});

describe("what the preview is told of the inputs", () => {
  it("is those that rights bind, and nothing where they bind none", () => {
    expect(boundText({ env: "prod", note: "x" }, ["env", "region"])).toBe('{"env":"prod"}');
    expect(boundText({ env: "prod" }, [])).toBeUndefined();
  });

  it("is nothing when it would not fit into an address", () => {
    expect(boundText({ env: "ä".repeat(1500) }, ["env"])).toBeUndefined();
  });
});
