// Refuses writes that another site made the browser send. Programs send neither header and are not browsers.
import { OcError } from "@opsconductor/contract/errors";
import type { MiddlewareHandler } from "hono";
import type { Config } from "../config.ts";
import type { HttpEnv } from "./router.ts";

/** They read or set the refresh cookie, which browsers send from a sibling of our host as well: for our own pages only. */
const withCookie = ["login", "login/code", "passkey", "refresh", "logout"].map((path) => `/api/v1/auth/${path}`);
const reads = ["GET", "HEAD", "OPTIONS"];

type Origins = Pick<Config, "publicUrl" | "corsOrigins">;

export function sameOriginWrites({ publicUrl, corsOrigins }: Origins): MiddlewareHandler<HttpEnv> {
  const own = publicUrl ? new URL(publicUrl).host : undefined;
  return async (c, next) => {
    const isInvited = corsOrigins.includes(c.req.header("origin") ?? "") && !withCookie.includes(c.req.path);
    if (!reads.includes(c.req.method) && !isInvited && isForeign(c.req.header.bind(c.req), own))
      throw new OcError("permission_denied", "A write that comes from a page of another site is refused.");
    return next();
  };
}

/** Sec-Fetch-Site is the browser's own word; without it (plain HTTP on a network) Origin must name our host. */
function isForeign(header: (name: string) => string | undefined, own: string | undefined): boolean {
  const site = header("sec-fetch-site");
  if (site !== undefined) return site !== "same-origin" && site !== "none";
  const origin = header("origin");
  if (origin === undefined) return false;
  const host = URL.canParse(origin) ? new URL(origin).host : undefined;
  return host === undefined || (host !== header("host") && host !== own);
}
