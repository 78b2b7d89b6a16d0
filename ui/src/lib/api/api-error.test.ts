import { expect, test } from "vitest";
import { problemWords } from "../ui/problem-words.ts";
import { readApiError } from "./api-error.ts";

test("problem+json keeps its code, detail, request id and fields", async () => {
  const body = {
    code: "invalid_argument",
    detail: "Name is wrong.",
    requestId: "r1",
    errors: [{ path: "services.0.port", message: "too big" }],
  };
  const error = await readApiError(
    Response.json(body, { status: 400, headers: { "content-type": "application/problem+json" } }),
  );
  expect(error).toMatchObject({ status: 400, code: "invalid_argument", message: "Name is wrong.", requestId: "r1" });
  expect(error.fieldMessage("services")).toBe("too big");
  expect(error.fieldMessage("name")).toBeUndefined();
});

test("a proxy's page becomes a code that fits its status", async () => {
  const error = await readApiError(
    new Response("<h1>Bad Gateway</h1>", { status: 502, headers: { "content-type": "text/html" } }),
  );
  expect(error).toMatchObject({ status: 502, code: "unavailable" });
  expect(problemWords(error).title).toBe("The controller is not ready");
});

test("broken JSON does not hide the status", async () => {
  const error = await readApiError(new Response("{", { status: 429, headers: { "content-type": "application/json" } }));
  expect(error.code).toBe("rate_limited");
});

test("anything thrown has words to show", () => {
  expect(problemWords(new TypeError("x")).title).toBe("Something went wrong");
  expect(problemWords("x").text).not.toBe("");
});
