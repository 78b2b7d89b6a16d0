import { expect, test } from "vitest";
import { rateClassOf } from "./rate-classes.ts";

test("whatever judges a proof is limited as one: each refusal is a row of the audit log", () => {
  expect(rateClassOf("GET /api/v1/auth/oidc/callback")).toBe("proof");
  expect(rateClassOf("POST /api/v1/auth/login")).toBe("proof");
  expect(rateClassOf("GET /api/v1/auth/options")).toBe("open");
});
