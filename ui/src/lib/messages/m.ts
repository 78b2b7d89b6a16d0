// The messages of the locale in use: every component imports `m` and prints nothing else.
import { en } from "./en.ts";

export type Messages = typeof en;

export let m: Messages = en;
export let locale = "en";

/** Takes another set of messages; called once at start, before the first component renders. */
export function useMessages(name: string, messages: Messages): void {
  m = messages;
  locale = name;
}
