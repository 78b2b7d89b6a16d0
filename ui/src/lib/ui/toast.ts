// Short messages in the corner: success as a status, failures as an alert. One import for the whole console.
import { problemWords } from "./problem-words.ts";
import { toasts } from "./toasts.svelte.ts";

export const toast = {
  success: (title: string, text?: string) => toasts.add("success", title, text),
  error: (title: string, text?: string) => toasts.add("error", title, text),
  /** A failed act whose place on the page is gone. */
  problem: (error: unknown) => {
    const words = problemWords(error);
    toasts.add("error", words.title, words.text);
  },
};
