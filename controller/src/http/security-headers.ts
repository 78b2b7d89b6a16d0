// Headers that every answer carries (OWASP ASVS 5, 3.4). The content security policy goes on HTML only, where it acts.
import type { MiddlewareHandler } from "hono";
import type { HttpEnv } from "./router.ts";

export function securityHeaders(secure: boolean): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    await next();
    const headers = c.res.headers;
    headers.set("X-Content-Type-Options", "nosniff");
    headers.set("Referrer-Policy", "same-origin");
    headers.set("Cross-Origin-Opener-Policy", "same-origin");
    headers.set("Cross-Origin-Resource-Policy", "same-origin");
    if (secure) headers.set("Strict-Transport-Security", "max-age=31536000");
    if (headers.get("Content-Type")?.startsWith("text/html")) {
      headers.set("X-Frame-Options", "DENY");
      headers.set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()");
    }
    if (c.req.path.startsWith("/api/") && !headers.has("Cache-Control")) headers.set("Cache-Control", "no-store");
  };
}
