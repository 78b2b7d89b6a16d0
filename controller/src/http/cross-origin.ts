// Pages of other origins that may call the API with a token of their own (CORS): none unless configured. Cookies are
// never shared with them. Used by app.ts.
import type { MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import type { HttpEnv } from "./router.ts";

const exposed = ["ETag", "Location", "Retry-After", "X-Request-Id", "Content-Disposition", "Content-Range"];
const outputHeaders = ["Bytes", "Complete", "Gap", "Sha256", "Verified"].map((name) => `OC-Output-${name}`);

export function crossOrigin(origins: readonly string[]): MiddlewareHandler<HttpEnv> {
  if (origins.length === 0) return (_, next) => next();
  return cors({
    origin: [...origins],
    allowMethods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
    allowHeaders: [
      "Authorization",
      "Content-Type",
      "If-Match",
      "Idempotency-Key",
      "Last-Event-ID",
      "Range",
      "X-Request-Id",
    ],
    exposeHeaders: [...exposed, ...outputHeaders],
    maxAge: 600,
  });
}
