import { jobJsonSchema } from "@opsconductor/contract/job/job-json-schema";
import { describe, expect, it } from "vitest";
import { completeJob, describeKey } from "./complete-job.ts";

const schema = jobJsonSchema();

/** Completions at the `^` of the text. */
function at(text: string) {
  const lines = text.split("\n");
  const line = lines.findIndex((one) => one.includes("^"));
  const column = (lines[line] ?? "").indexOf("^");
  lines[line] = (lines[line] ?? "").replace("^", "");
  return completeJob(schema, lines, line, column);
}
const labels = (text: string) => at(text)?.options.map((option) => option.label) ?? [];
const inserted = (text: string, label: string) => at(text)?.options.find((option) => option.label === label)?.insert;

const head = "apiVersion: opsconductor/v1\nkind: Job\nname: x\n";

describe("completion of keys", () => {
  it("offers the keys of the job in an empty document, required ones first", () => {
    const keys = labels("^");
    expect(keys.slice(0, 3)).toEqual(["apiVersion", "kind", "name"]);
    for (const key of ["steps", "stages", "onFailure"]) expect(keys).toContain(key); // steps or stages: neither is required
    expect(inserted("^", "apiVersion")).toBe("apiVersion: opsconductor/v1");
  });

  it("leaves out what is written, before and after the cursor", () => {
    const keys = labels(`${head}^\nsteps:\n  - run: df\n`);
    for (const key of ["apiVersion", "kind", "name", "steps"]) expect(keys).not.toContain(key);
    expect(keys).toContain("targets");
    expect(keys).not.toContain("run");
  });

  it("knows the mapping by indentation, while the document does not parse", () => {
    expect(labels(`${head}targets:\n  sel^\nsteps:\n  - run: [\n`)).toEqual([
      "select",
      "names",
      "max",
      "offline",
      "offlineExpiry",
    ]);
    expect(labels(`${head}targets:\n  select: os=linux\n  ^`)).toEqual(["names", "max", "offline", "offlineExpiry"]);
  });

  it("knows the item of a sequence, on its dash and below it", () => {
    expect(labels(`${head}steps:\n  - ^`)).toContain("continueOnError");
    const below = labels(`${head}steps:\n  - id: a\n    run: df\n    ^`);
    expect(below).toContain("timeout");
    expect(below).not.toContain("id");
    expect(below).not.toContain("run");
    expect(labels(`${head}steps:\n- id: a\n  ^`)).toContain("run");
    expect(labels(`${head}finally:\n  - run: x\n  - id: y\n    ^`)).toContain("run");
  });

  it("goes deeper: retry in a step of a sequence", () => {
    expect(labels(`${head}steps:\n  - id: a\n    retry:\n      ^`)).toEqual(["max", "delay", "backoff", "on"]);
    expect(labels(`${head}steps:\n  - id: a\n    retry:\n      max: 2\n    ^`)).toContain("timeout");
  });

  it("offers what fits the type of an input, and every type's keys before it is chosen", () => {
    const typed = labels(`${head}inputs:\n  days:\n    type: integer\n    ^`);
    expect(typed).toContain("minimum");
    expect(typed).not.toContain("pattern");
    expect(labels(`${head}inputs:\n  days:\n    ^`)).toEqual(
      expect.arrayContaining(["type", "pattern", "options", "minimum"]),
    );
    expect(labels(`${head}inputs:\n  ^`)).toEqual([]);
  });

  it("completes inside of braces on one line", () => {
    expect(labels(`${head}steps:\n  - retry: { max: 2, ^`)).toEqual(["delay", "backoff", "on"]);
    expect(labels(`${head}inputs:\n  a: { type: integer, m^`)).toEqual(expect.arrayContaining(["minimum", "maximum"]));
    expect(labels(`${head}inputs:\n  a: { type: integer, m^`)).not.toContain("minLength");
    expect(inserted(`${head}steps:\n  - retry: { ^`, "max")).toBe("max: ");
    expect(labels(`${head}steps:\n  - retry: { max: 1 } ^`)).toEqual([]);
  });

  it("is silent in scripts, comments, quotes and under a key that has its value", () => {
    expect(at(`${head}steps:\n  - run: |\n      ^`)).toBeUndefined();
    expect(at(`${head}steps:\n  - run: |\n      if true:\n        na^`)).toBeUndefined();
    expect(at(`${head}steps:\n  - run: >-\n      foo: bar\n      ^`)).toBeUndefined();
    expect(at(`${head}# ti^`)).toBeUndefined();
    expect(at(`${head}targets: # where ^`)).toBeUndefined();
    expect(at(`${head}description: text\n  ^`)).toBeUndefined();
    expect(at(`${head}na me^`)).toBeUndefined();
  });

  it("is not misled by what scripts look like", () => {
    const text = `${head}steps:\n  - run: |\n      targets:\n        select: x\n    ^`;
    expect(labels(text)).toContain("timeout");
    expect(labels(`${head}steps:\n  - run: |\n      name: no\ntargets:\n  ^`)).toContain("select");
  });

  it("writes the place for the value after the key", () => {
    expect(inserted(`${head}^`, "targets")).toBe("targets:\n  ");
    expect(inserted(`${head}^`, "steps")).toBe("steps:\n  - ");
    expect(inserted(`${head}steps:\n  - ^`, "run")).toBe("run: |\n      ");
    expect(inserted(`${head}steps:\n  - id: a\n    ^`, "outputs")).toBe("outputs: [");
    expect(inserted(`${head}steps:\n  - id: a\n    ^`, "timeout")).toBe("timeout: ");
  });
});

describe("completion of values", () => {
  it("offers the words of an enumeration, booleans and constants", () => {
    expect(labels(`${head}targets:\n  offline: ^`)).toEqual(["queue", "skip", "fail"]);
    expect(labels(`${head}targets:\n  offline: q^`)).toEqual(["queue", "skip", "fail"]);
    expect(labels(`${head}steps:\n  - continueOnError: ^`)).toEqual(["true", "false"]);
    expect(labels("kind: ^")).toEqual(["Job"]);
    expect(labels(`${head}inputs:\n  a:\n    type: ^`)).toEqual([
      "string",
      "integer",
      "number",
      "boolean",
      "choice",
      "list",
    ]);
    expect(labels(`${head}inputs:\n  a: { type: ^`)).toContain("boolean");
  });

  it("marks the default, and offers it alone where there is nothing else to know", () => {
    const options = at(`${head}targets:\n  offline: ^`)?.options ?? [];
    expect(options.find((option) => option.label === "queue")?.detail).toBe("default");
    expect(options.find((option) => option.label === "skip")?.detail).toBe("");
    expect(labels(`${head}targets:\n  offlineExpiry: ^`)).toEqual(["24h"]);
    expect(labels(`${head}targets:\n  select: ^`)).toEqual([]);
  });

  it("offers the items of a list, in brackets and on a dash", () => {
    expect(labels(`${head}steps:\n  - retry: { on: [^`)).toEqual(["failed", "timed_out"]);
    expect(labels(`${head}steps:\n  - retry:\n      on: [failed, ^`)).toEqual(["failed", "timed_out"]);
    expect(labels(`${head}steps:\n  - retry:\n      on:\n        - ^`)).toEqual(["failed", "timed_out"]);
  });

  it("waits for the space after the colon", () => {
    expect(at(`${head}targets:\n  offline:^`)).toBeUndefined();
  });
});

describe("parameters of an action", () => {
  const step = `${head}steps:\n  - id: a\n    uses: file\n    with:\n      `;

  it("are offered by what uses says, required ones first", () => {
    const keys = labels(`${step}^`);
    expect(keys[0]).toBe("path");
    expect(keys).toEqual(expect.arrayContaining(["content", "mode", "owner", "backup"]));
    expect(keys).not.toContain("url");
    expect(labels(`${step}path: /etc/motd\n      ^`)).not.toContain("path");
    expect(labels(`${head}finally:\n  - with:\n      ^\n    uses: http\n`)[0]).toBe("url"); // uses may come later
    expect(labels(`${head}stages:\n  a:\n    steps:\n      - uses: "sleep"\n        with: { ^`)).toEqual(["for"]);
    expect(labels(`${head}steps:\n  - { uses: file, with: { path: /a, sta^`)).toContain("state");
    expect(labels(`${head}steps:\n  - uses: file\n  - uses: sleep\n    with:\n      ^`)).toEqual(["for"]);
  });

  it("are nothing for an action that does not exist, or none", () => {
    expect(labels(`${head}steps:\n  - uses: nonsense\n    with:\n      ^`)).toEqual([]);
    expect(labels(`${head}steps:\n  - with:\n      ^`)).toEqual([]);
  });

  it("have their words and what they mean, also those of a mapping", () => {
    expect(labels(`${step}state: ^`)).toEqual(["present", "absent"]);
    expect(labels(`${step}backup: ^`)).toEqual(["true", "false"]);
    expect(labels(`${head}steps:\n  - uses: http\n    with:\n      url: x\n      expect:\n        ^`)).toContain(
      "status",
    );
    expect(inserted(`${head}steps:\n  - uses: http\n    with:\n      ^`, "expect")).toBe("expect:\n        ");
    expect(at(`${step}^`)?.options.find(({ label }) => label === "backup")).toMatchObject({ detail: "boolean" });
  });

  it("are hinted at under the pointer, and so is the action", () => {
    const lines =
      `${head}steps:\n  - uses: file\n    with:\n      backup: true\n  - { uses: sleep, with: { for: 1s } }`.split(
        "\n",
      );
    expect(describeKey(schema, lines, 6, 8)).toMatchObject({
      key: "backup",
      info: expect.stringMatching(/^Keep what was/),
    });
    expect(describeKey(schema, lines, 5, 6)?.info).toMatch(/^Makes a file have/);
    expect(describeKey(schema, lines, 4, 11)).toMatchObject({
      key: "file",
      info: expect.stringMatching(/^Makes a file/),
    });
    expect(describeKey(schema, lines, 7, 13)).toMatchObject({ key: "sleep" });
    const uses = at(`${head}steps:\n  - uses: ^`)?.options.find(({ label }) => label === "http");
    expect(uses?.info).not.toBe("");
  });
});

describe("a hint", () => {
  const lines = `${head}targets:\n  offline: skip\nsteps:\n  - continueOnError: true\n    run: df`.split("\n");

  it("says what the key under the pointer is for", () => {
    expect(describeKey(schema, lines, 4, 4)).toMatchObject({ key: "offline", detail: "queue | skip | fail" });
    expect(describeKey(schema, lines, 6, 8)?.info).toMatch(/next step/);
    expect(describeKey(schema, lines, 3, 2)?.info).toMatch(/Where it runs/);
  });

  it("is nothing beside the key", () => {
    expect(describeKey(schema, lines, 4, 12)).toBeUndefined();
    expect(describeKey(schema, lines, 4, 0)).toBeUndefined();
    expect(describeKey(schema, ["nonsense: 1"], 0, 2)).toBeUndefined();
  });
});
