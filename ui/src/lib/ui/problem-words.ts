// Turns any thrown value into the words to show: by error code, with the server's own detail where it has one.
import { ApiError } from "../api/api-error.ts";
import { m } from "../messages/m.ts";

export interface ProblemWords {
  title: string;
  text: string;
  requestId: string | undefined;
}

export function problemWords(error: unknown): ProblemWords {
  const known = error instanceof ApiError ? m.problems[error.code] : undefined;
  const words = known ?? m.problems.unknown ?? { title: "", text: "" };
  const detail = error instanceof ApiError ? error.message : "";
  return {
    title: words.title,
    text: detail || words.text,
    requestId: error instanceof ApiError ? error.requestId : undefined,
  };
}
