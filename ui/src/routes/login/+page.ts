// Somebody who is signed in already goes on to where they wanted to go.
import { redirect } from "@sveltejs/kit";
import { session } from "#lib/api/session.svelte.ts";
import { afterSignIn, safeNext } from "#lib/paths.ts";

export async function load({ url, untrack }: { url: URL; untrack: <T>(read: () => T) => T }): Promise<void> {
  const user = await session.start().catch(() => undefined);
  if (user && !user.mustChangePassword)
    redirect(307, afterSignIn(user, safeNext(untrack(() => url.searchParams.get("next")))));
}
