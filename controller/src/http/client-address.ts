// Where a request comes from: the socket's peer, or what the reverse proxy says when TRUST_PROXY names it.
import { BlockList, isIP } from "node:net";
import type { HttpBindings } from "@hono/node-server";
import { OcError } from "@opsconductor/contract/errors";
import type { MiddlewareHandler } from "hono";
import type { Config } from "../config.ts";
import { isLoopback } from "../is-loopback.ts";
import type { Http, HttpEnv } from "./router.ts";

type TrustProxy = Config["trustProxy"];

/** The peer of the TCP connection; undefined for requests made inside the program (tests). */
function peerAddress(c: Http): string | undefined {
  const address = (c.env as HttpBindings | undefined)?.incoming?.socket?.remoteAddress;
  return address?.replace(/^::ffff:(?=\d+\.)/, "");
}

/**
 * Each proxy appends the address that it saw, so the list is read from its end: as far as proxies of ours vouch for it.
 * With TRUST_PROXY=1 there is one proxy, and only the last entry is its word.
 */
export function clientAddress(c: Http, trust: TrustProxy): string | null {
  const peer = peerAddress(c) ?? null;
  if (trust === false || (trust !== true && peer !== null && !isTrusted(trust, peer))) return peer;
  const forwarded = (c.req.header("x-forwarded-for") ?? "").split(",").map((entry) => entry.trim());
  const vouched = forwarded.filter((entry) => entry !== "").reverse();
  if (trust === true) return vouched[0] ?? peer;
  return vouched.find((entry) => !isTrusted(trust, entry)) ?? vouched.at(-1) ?? peer;
}

/** Plain HTTP is for the named proxies and this machine alone; whoever watches the health may come from anywhere. */
export function onlyThroughProxies(trust: TrustProxy): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const peer = peerAddress(c);
    const isOpen = typeof trust === "boolean" || peer === undefined || c.req.path.startsWith("/health");
    if (!isOpen && !isLoopback(peer) && !isTrusted(trust, peer))
      throw new OcError("permission_denied", `${peer} is no reverse proxy that TRUST_PROXY names: ask through one.`);
    return next();
  };
}

const lists = new WeakMap<readonly string[], BlockList>();

function isTrusted(trust: readonly string[], address: string): boolean {
  const family = isIP(address);
  if (family === 0) return false;
  const list = lists.get(trust) ?? blockListOf(trust);
  lists.set(trust, list);
  return list.check(address, family === 6 ? "ipv6" : "ipv4");
}

function blockListOf(trust: readonly string[]): BlockList {
  const list = new BlockList();
  for (const entry of trust) {
    const [address = "", bits] = entry.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    list.addSubnet(address, Number(bits ?? (family === "ipv6" ? 128 : 32)), family);
  }
  return list;
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
