import { actionJsonSchema } from "@opsconductor/contract/job/actions/action-json-schema";
import { expect, test } from "vitest";
import { parameterRows } from "./parameter-rows.ts";

test("parameters come with what they take, those of a mapping after it", () => {
  const rows = parameterRows(actionJsonSchema("http"));
  expect(rows[0]).toMatchObject({ name: "url", type: "string", required: true, fallback: "" });
  const method = rows.find((row) => row.name === "method");
  expect(method).toMatchObject({ required: false, fallback: '"GET"', type: expect.stringContaining("GET | HEAD") });
  expect(rows.map((row) => row.name)).toContain("expect.status");
  expect(rows.find((row) => row.name === "expect.status")?.type).toBe("integer[]");
  expect(rows.every((row) => row.meaning !== "")).toBe(true);
});
