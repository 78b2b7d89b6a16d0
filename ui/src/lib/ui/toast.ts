// Short messages in the corner: success as a status, failures as an alert. One import for the whole console.
import { m } from "../messages/m.ts";
import { problemWords } from "./problem-words.ts";
import { toasts } from "./toasts.svelte.ts";

export const toast = {
  success: (title: string, text?: string) => toasts.add("success", title, text),
  /** Something was done at once that can be taken back. */
  undoable: (title: string, undo: () => void) =>
    toasts.add("success", title, undefined, { label: m.common.undo, run: undo }),
  error: (title: string, text?: string) => toasts.add("error", title, text),
  /** A failed act whose place on the page is gone. */
  problem: (error: unknown) => {
    const words = problemWords(error);
    toasts.add("error", words.title, words.text);
  },
};
