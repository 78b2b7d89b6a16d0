// Short messages in the corner: success as a status, failures as an alert. One import for the whole console.
import { toast as sonner } from "svelte-sonner";
import { problemWords } from "./problem-words.ts";

export const toast = {
  success: (title: string, description?: string) => void sonner.success(title, { description }),
  error: (title: string, description?: string) => void sonner.error(title, { description, duration: 10_000 }),
  /** A failed act whose place on the page is gone. */
  problem: (error: unknown) => {
    const words = problemWords(error);
    void sonner.error(words.title, { description: words.text, duration: 10_000 });
  },
};
