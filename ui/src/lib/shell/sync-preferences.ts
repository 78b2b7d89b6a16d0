// Preferences follow the person to other browsers: read at the start, and what is set here is told the controller. What
// the browser keeps of them decides until then, so that nothing flashes. Called by the layout of signed-in pages.
import { getPreferences, savePreferences } from "../api/account.ts";
import { session } from "../api/session.svelte.ts";
import type { Preferences } from "../api/types.ts";
import { preferenceDefaults, preferences } from "./preferences.svelte.ts";

export function syncPreferences(): () => void {
  void getPreferences()
    .then((stored) => {
      const { owner } = preferences.values;
      const id = session.user?.id ?? "";
      preferences.take({ ...(owner !== "" && owner !== id && preferenceDefaults), ...stored, owner: id });
    })
    .catch((error: unknown) => console.debug("preferences of this browser stay in use", error));
  return preferences.onSet((patch) => {
    // Kept in this browser in any case; the next change or start tries again.
    savePreferences(patch as Preferences).catch((error: unknown) => console.debug("preferences are not stored", error));
  });
}
