// First sign-in: only for somebody who must change the password; others go on.
import { redirect } from "@sveltejs/kit";
import { session } from "#lib/api/session.svelte.ts";
import { afterSignIn, paths, safeNext } from "#lib/paths.ts";

export async function load({ url, untrack }: { url: URL; untrack: <T>(read: () => T) => T }): Promise<void> {
  const user = await session.start().catch(() => undefined);
  if (!user) redirect(307, paths.login());
  if (!user.mustChangePassword) redirect(307, afterSignIn(user, safeNext(untrack(() => url.searchParams.get("next")))));
}
