// What a browser or program calls itself, for lists of sessions and sign-ins. Called by the routes that begin a session.
import { oneLine } from "@opsconductor/contract/one-line";
import type { Context } from "hono";

/** As one line of at most 400 characters: a header may hold control characters beyond ASCII. */
export function userAgentOf(c: Context): string | null {
  const told = c.req.header("user-agent");
  return told === undefined ? null : oneLine(told.slice(0, 400));
}
