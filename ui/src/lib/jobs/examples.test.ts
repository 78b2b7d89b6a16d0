import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { examples as words } from "../messages/areas/examples.ts";
import { examples } from "./examples.ts";

test("every job of samples/operations is offered, with what it is for and what there is to learn from it", () => {
  const files = readdirSync(join(import.meta.dirname, "../../../../samples/operations"));
  expect(examples.map(({ name }) => `${name}.yaml`).sort()).toEqual(files.sort());
  for (const { name, about, steps } of examples) {
    expect(about, name).toMatch(/^[A-Z].*\.$/);
    expect(words.learn, name).toHaveProperty(name);
    expect(steps, name).toBeGreaterThan(0);
  }
});

test("what is known of an example comes from its text", () => {
  const patch = examples[0]!;
  expect(patch).toMatchObject({ name: "patch-web-tier", steps: 6, actions: ["http", "package", "reboot", "service"] });
  expect(patch.text).toContain("apiVersion: opsconductor/v1");
});
