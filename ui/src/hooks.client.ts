// Starts the console: the locale before anything renders, and unexpected errors to the browser's log.
import type { HandleClientError } from "@sveltejs/kit/hooks";
import { useAreas } from "#lib/messages/areas/area.ts";
import { en } from "#lib/messages/en.ts";
import { m, useMessages } from "#lib/messages/m.ts";
import { preferences } from "#lib/shell/preferences.svelte.ts";

export async function init(): Promise<void> {
  preferences.apply();
  if (preferences.values.locale === "en-XA") {
    const { pseudo } = await import("#lib/messages/pseudo.ts");
    useMessages("en-XA", pseudo(en));
    useAreas(pseudo);
  }
  document.documentElement.lang = preferences.values.locale;
}

export const handleError: HandleClientError = ({ error, kind }) => {
  if (kind !== "unknown") return;
  console.error(error);
  return { message: m.shell.error.crashText };
};
