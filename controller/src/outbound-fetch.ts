// Requests of the controller to places that others have a say in. The name is resolved once, every address it has is
// judged, and the connection goes to a judged address, so that no answer of the second look-up leads elsewhere. No
// redirects; caps on time and size. Called by sign-on with a provider.
import { lookup as resolve } from "node:dns/promises";
import { type IncomingMessage, request as requestPlain } from "node:http";
import { request as requestTls } from "node:https";
import type { LookupFunction } from "node:net";
import { addressKind } from "./outbound-address.ts";

export interface OutboundRules {
  /** Host names that may be inside and spoken to without TLS on loopback: those that the operator configured. */
  trustedHosts: ReadonlySet<string>;
}

interface Init {
  method?: string | undefined;
  headers?: Record<string, string> | undefined;
  body?: string | Uint8Array | URLSearchParams | null | undefined;
  signal?: AbortSignal | undefined;
}

interface Target {
  url: URL;
  addresses: { address: string; family: number }[];
}

const maxMs = 8_000;
const maxBytes = 1024 * 1024;

/** A fetch that throws for what the rules forbid, naming the host and never the address behind it. */
export function outboundFetch(rules: OutboundRules): (url: string, init: Init) => Promise<Response> {
  return async (text, init) => {
    const signal = AbortSignal.any([AbortSignal.timeout(maxMs), ...(init.signal ? [init.signal] : [])]);
    const target = await judged(new URL(text), rules);
    signal.throwIfAborted();
    return send(target, init, signal);
  };
}

async function judged(url: URL, { trustedHosts }: OutboundRules): Promise<Target> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const isTrusted = trustedHosts.has(host);
  const addresses = await resolve(host, { all: true, verbatim: true });
  const kinds = addresses.map(({ address }) => addressKind(address));
  if (addresses.length === 0 || kinds.some((kind) => kind === "never" || (kind === "inside" && !isTrusted)))
    throw new Error(`${host} is not a place that this controller connects to: it has an address inside the network`);
  const isLoopback = addresses.every(({ address }) => address === "::1" || address.startsWith("127."));
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isTrusted && isLoopback))
    throw new Error(`${url.origin} must be reached by https`);
  return { url, addresses };
}

function send({ url, addresses }: Target, init: Init, signal: AbortSignal): Promise<Response> {
  const toJudged: LookupFunction = (_, options, callback) =>
    options.all ? callback(null, addresses) : callback(null, addresses[0]!.address, addresses[0]!.family);
  const body = init.body instanceof URLSearchParams ? init.body.toString() : (init.body ?? undefined);
  const { method = "GET", headers = {} } = init;
  const request = url.protocol === "https:" ? requestTls : requestPlain;
  return new Promise((done, fail) => {
    const outgoing = request(url, { method, headers, lookup: toJudged, signal, agent: false }, (incoming) =>
      receive(incoming).then(done, fail),
    );
    outgoing.on("error", fail);
    outgoing.end(body);
  });
}

async function receive(incoming: IncomingMessage): Promise<Response> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of incoming as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > maxBytes) {
      incoming.destroy();
      throw new Error(`The answer is larger than ${maxBytes} bytes`);
    }
    pieces.push(piece);
  }
  const status = incoming.statusCode ?? 500;
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers))
    for (const each of [value ?? []].flat()) headers.append(name, each);
  return new Response(status === 204 || status === 304 ? null : Buffer.concat(pieces), { status, headers });
}
