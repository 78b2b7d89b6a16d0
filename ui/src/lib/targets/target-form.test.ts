import { expect, test } from "vitest";
import type { Target } from "../api/types.ts";
import { isFormValid, nameProblem, serviceProblem, targetForm, targetInputOf } from "./target-form.ts";

const target = {
  name: "db-1", hostname: null, address: "10.0.0.5", os: null, description: "", labels: { env: "prod" },
  services: [{ type: "ssh", port: 22, secure: true, default: true, enabled: false, credential: { kind: "key", secret: "ops" } }],
  managedByAgentId: "a1",
} as unknown as Target; // biome-ignore format: one record

test("opening and saving without a change sends the same target, parts the form does not show included", () => {
  const { name, hostname, address, os, description, labels, services, managedByAgentId } = target;
  expect(targetInputOf(targetForm(target))).toEqual({
    name,
    hostname,
    address,
    os,
    description,
    labels,
    services,
    managedByAgentId,
  });
});

test("empty fields are sent as unknown, not as empty text", () => {
  const input = targetInputOf({ ...targetForm(undefined), name: " sw-1 ", address: " " });
  expect(input).toMatchObject({ name: "sw-1", address: null, hostname: null, managedByAgentId: null });
});

test.each([
  ["", "missing"],
  ["  ", "missing"],
  ["-x", "wrong"],
  ["a b", "wrong"],
  ["web-1.fra", undefined],
  ["a", undefined],
  ["x".repeat(129), "wrong"],
])("the name %j is %s", (name, problem) => expect(nameProblem(name)).toBe(problem));

test.each([
  ["22", undefined],
  ["0", "port"],
  ["65536", "port"],
  ["22.5", "port"],
  ["", "port"],
])("the port %j is %s", (port, problem) =>
  expect(serviceProblem({ type: "ssh", port, secure: false, default: false })).toBe(problem),
);

test("one wrong service makes the form wrong", () => {
  const form = { ...targetForm(undefined), name: "a" };
  expect(isFormValid(form)).toBe(true);
  expect(isFormValid({ ...form, services: [{ type: "", port: "1", secure: false, default: false }] })).toBe(false);
});
