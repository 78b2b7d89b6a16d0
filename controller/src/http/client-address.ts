// Where a request comes from: the socket's peer, or what the reverse proxy says when TRUST_PROXY is set.
import type { HttpBindings } from "@hono/node-server";
import { isLoopback } from "../config.ts";
import type { Http } from "./router.ts";

/** The peer of the TCP connection; undefined for requests made inside the program (tests). */
function peerAddress(c: Http): string | undefined {
  const address = (c.env as HttpBindings | undefined)?.incoming?.socket?.remoteAddress;
  return address?.replace(/^::ffff:(?=\d+\.)/, "");
}

/** The proxy appends the address it saw, so the last entry is the one that it vouches for. */
export function clientAddress(c: Http, trustProxy: boolean): string | null {
  const forwarded = trustProxy ? c.req.header("x-forwarded-for") : undefined;
  return forwarded?.split(",").at(-1)?.trim() || peerAddress(c) || null;
}

/**
 * True only for a direct connection from this machine: through a proxy everybody would look local, and so would a page
 * of a stranger in a browser here, whose own name resolves to loopback.
 */
export function isFromThisMachine(c: Http): boolean {
  const peer = peerAddress(c);
  const asked = `http://${c.req.header("host")}`;
  if (!URL.canParse(asked) || !isLoopback(new URL(asked).hostname.replace(/^\[|\]$/g, ""))) return false;
  const proxied = ["x-forwarded-for", "forwarded", "via", "x-real-ip"].some((name) => c.req.header(name) !== undefined);
  return peer !== undefined && isLoopback(peer) && !proxied;
}
