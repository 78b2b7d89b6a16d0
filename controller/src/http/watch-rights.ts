// Has somebody's rights looked at again for as long as what they asked for goes on. Called by cut-when-revoked.ts and
// routes/events.ts.
import type { Context } from "../context.ts";

/**
 * Changes are told at once (rights-changes.ts). This is for a database behind a pool that passes no notifications: with the
 * time that a session may be cached, within two seconds. Nearly all requests are answered before the first look.
 */
const lookMs = 400;

/** Call what it returns when the answer has ended. `userId` is null for what is no user's. */
export function watchRights(ctx: Context, userId: string | null, look: () => void): () => void {
  const timer = setInterval(look, lookMs);
  const unwatch = userId === null ? undefined : ctx.identity.changes.watch(userId, look);
  return () => {
    clearInterval(timer);
    unwatch?.();
  };
}
