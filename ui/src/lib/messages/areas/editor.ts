// Words of the editor of jobs: completion, problems, and CodeMirror's own.
import { area } from "./area.ts";

export const editor = area({
  replaceWith: (word: string) => `Replace with ${word}`,
  /** CodeMirror's own texts, by what they are in its code. */
  phrases: {
    Find: "Find",
    Replace: "Replace",
    next: "next",
    previous: "previous",
    all: "all",
    "match case": "match case",
    "by word": "whole words",
    regexp: "pattern",
    replace: "replace",
    "replace all": "replace all",
    close: "close",
    "current match": "current match",
    "replaced $ matches": "replaced $ matches",
    "replaced match on line $": "replaced match on line $",
    "on line": "on line",
    "Go to line": "Go to line",
    go: "go",
    "Folded lines": "Folded lines",
    "Unfolded lines": "Unfolded lines",
    "folded code": "folded text",
    unfold: "unfold",
    "Fold line": "Fold",
    "Unfold line": "Unfold",
    to: "to",
    Diagnostics: "Problems",
    "No diagnostics": "No problems",
    Completions: "Completions",
    "$ unchanged lines": "$ unchanged lines",
  },
});
