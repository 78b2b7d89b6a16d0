import { expect, test } from "vitest";
import { operationsOf } from "./api-operations.ts";
import { judgeAnswer } from "./judge-answer.ts";

const problem = {
  type: "object",
  properties: { status: { type: "integer" }, code: { type: "string" }, requestId: {}, detail: { type: "string" } },
  required: ["status", "code", "detail"],
};
const item = { type: "object", properties: { id: { type: "string" } }, required: ["id"] };
const [operation] = operationsOf({
  paths: {
    "/things": {
      get: {
        responses: {
          200: { content: { "application/json": { schema: { type: "array", items: item } } } },
          204: {},
          default: { content: { "application/problem+json": { schema: problem } } },
        },
      },
    },
  },
});
const judge = (status: number, type: string, body: unknown, more: Record<string, string> = {}) =>
  judgeAnswer(operation!, {
    status,
    headers: new Headers({ "content-type": type, "x-content-type-options": "nosniff", "x-request-id": "r", ...more }),
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
const json = "application/json";
const refusal = { status: 404, code: "not_found", requestId: "r", detail: "gone" };

test("answers that the document promises are right", () => {
  expect(judge(200, json, [{ id: "a" }])).toBeUndefined();
  expect(judge(204, "", "")).toBeUndefined();
  expect(judge(404, "application/problem+json", refusal)).toBeUndefined();
});

test.each([
  [500, "application/problem+json", { ...refusal, status: 500, code: "internal" }, "status 500"],
  [302, "", "", "not documented"],
  [200, "text/plain", "x", "content type text/plain"],
  [200, json, "{", "not JSON"],
  [200, json, [{ id: 1 }], "expected string"],
  [200, json, [{ id: "a", secret: "b" }], "secret"],
  [204, "", "x", "a body with 204"],
  [404, json, refusal, "instead of application/problem+json"],
  [404, "application/problem+json", { status: 404 }, "does not fit"],
  [404, "application/problem+json", { ...refusal, code: "conflict" }, "with the code conflict"],
  [404, "application/problem+json", { ...refusal, requestId: "q" }, "request id"],
  [429, "application/problem+json", { ...refusal, status: 429, code: "rate_limited" }, "Retry-After"],
])("%d %s %j is found out", (status, type, body, why) => {
  expect(judge(status, type, body)).toContain(why);
});
