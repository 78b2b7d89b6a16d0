// A request's path as logs may have it: a download's carries its ticket, which is a secret until it was used. Called by
// whatever logs requests.
import type { Http } from "./router.ts";

export function loggedPath(c: Http): string {
  return c.req.path.replace(/(\/downloads\/).+/, "$1[ticket]");
}
