// Whether an answer of the API is one that its document promises: never an error of ours, problem+json for refusals,
// and bodies that fit their schemas. For fuzz-api.ts.
import { errorStatus } from "@opsconductor/contract/errors";
import type { Judge, Operation } from "./api-operations.ts";

export interface Answered {
  status: number;
  headers: Headers;
  body: string;
}

const problemType = "application/problem+json";

/** What is wrong, in words; undefined when nothing is. */
export function judgeAnswer(operation: Operation, answer: Answered): string | undefined {
  const { status, headers, body } = answer;
  const type = headers.get("content-type")?.split(";")[0] ?? "";
  const documented = operation.answers[String(status)];
  // Accept or a path with dots asked for a page of the console: it is none of the document's.
  if (type === "text/html" && headers.has("content-security-policy")) return undefined;
  if (status >= 500 && !documented) return `status ${status}`;
  if (headers.get("x-content-type-options") !== "nosniff") return "no nosniff";
  if (status >= 400 && !documented) return judgeProblem(operation, answer, type);
  if (!documented) return `status ${status} is not documented`;
  if (Object.keys(documented).length === 0) return status === 204 && body !== "" ? "a body with 204" : undefined;
  if (!(type in documented)) return `the content type ${type || "(none)"} is not documented for ${status}`;
  return /[/+]json$/.test(type) ? judgeJson(documented[type], body) : undefined;
}

function judgeProblem(operation: Operation, { status, headers, body }: Answered, type: string): string | undefined {
  if (type !== problemType) return `${status} with ${type || "no content type"} instead of ${problemType}`;
  const wrong = judgeJson(operation.answers.default?.[problemType], body);
  if (wrong) return `the problem does not fit: ${wrong}`;
  const problem = JSON.parse(body) as Record<string, string>;
  if (errorStatus[problem.code as keyof typeof errorStatus] !== status)
    return `${status} with the code ${problem.code}`;
  if (Number(problem.status) !== status) return `${status} with a body that says ${problem.status}`;
  if (problem.requestId !== headers.get("x-request-id")) return "the request id of body and header differ";
  if (status === 429 && !headers.has("retry-after")) return "429 without Retry-After";
  if (status === 401 && !headers.has("www-authenticate")) return "401 without WWW-Authenticate";
  return problem.detail === "" ? "a refusal without words" : undefined;
}

function judgeJson(judge: Judge | undefined, body: string): string | undefined {
  try {
    return judge?.(JSON.parse(body));
  } catch {
    return `not JSON: ${body.slice(0, 100)}`;
  }
}
