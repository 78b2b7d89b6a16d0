// What parseJob refuses, as ranges of the text for the editor and its list of problems. Pure apart from parsing.
import type { FieldError } from "@opsconductor/contract/errors";

export interface JobProblem {
  from: number;
  to: number;
  line: number;
  column: number;
  message: string;
  /** The likely word, to be put in place of the marked one. */
  suggestion: string | undefined;
}

/** Offsets of line starts, for the columns (from 1) that errors carry. */
export function problemsOf(text: string, errors: readonly FieldError[]): JobProblem[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return errors.map((error) => {
    const line = Math.min(Math.max(error.line ?? 1, 1), starts.length);
    const start = starts[line - 1] ?? 0;
    const end = lineEnd(text, start);
    const from = Math.min(start + Math.max(0, (error.column ?? 1) - 1), end);
    return {
      from,
      to: Math.max(wordEnd(text, from, end), Math.min(from + 1, text.length)),
      line,
      column: from - start + 1,
      message: error.message,
      suggestion: error.suggestion,
    };
  });
}

function lineEnd(text: string, start: number): number {
  const end = text.indexOf("\n", start);
  return end < 0 ? text.length : end;
}

/** The end of the word or quoted text at `from`: what is underlined, and what a suggestion replaces. */
function wordEnd(text: string, from: number, end: number): number {
  const rest = text.slice(from, end);
  const match = /^(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|\$\{\{.*?\}\}|[\w./-]+(?: [\w./-]+)*|\S+)/.exec(rest);
  return from + (match?.[0].length ?? 0);
}
