// Only for somebody whose role asks for a second factor that is not there; others go on.
import { redirect } from "@sveltejs/kit";
import { session } from "#lib/api/session.svelte.ts";
import { paths, safeNext } from "#lib/paths.ts";

export async function load({ url, untrack }: { url: URL; untrack: <T>(read: () => T) => T }): Promise<void> {
  const user = await session.start().catch(() => undefined);
  if (!user) redirect(307, paths.login());
  const next = safeNext(untrack(() => url.searchParams.get("next")));
  if (user.mustChangePassword) redirect(307, paths.setup(next));
  if (!user.mustSetUpFactor) redirect(307, next);
}
