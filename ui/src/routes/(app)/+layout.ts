// Lets only signed-in people with their own password past; everything below needs a session.
import { error, redirect } from "@sveltejs/kit";
import { ApiError } from "#lib/api/api-error.ts";
import { session } from "#lib/api/session.svelte.ts";
import { paths } from "#lib/paths.ts";
import { problemWords } from "#lib/ui/problem-words.ts";

export async function load({ url, untrack }: { url: URL; untrack: <T>(read: () => T) => T }): Promise<void> {
  const here = untrack(() => url.pathname + url.search);
  let user: Awaited<ReturnType<typeof session.start>>;
  try {
    user = await session.start();
  } catch (cause) {
    const words = problemWords(cause);
    error(cause instanceof ApiError && cause.status > 0 ? cause.status : 503, words.text);
  }
  if (!user) redirect(307, paths.login(here));
  if (user.mustChangePassword) redirect(307, paths.setup(here));
  if (user.mustSetUpFactor) redirect(307, paths.setupFactor(here));
}
