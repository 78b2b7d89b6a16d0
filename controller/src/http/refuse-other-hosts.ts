// Refuses requests that name another host than ours while only this machine can reach the port: a page of a stranger whose
// own name is made to resolve to 127.0.0.1 (DNS rebinding) would be of our origin for the browser. Used by server.ts.
import type { IncomingMessage, RequestListener } from "node:http";
import { isIP } from "node:net";
import { servesTls } from "../addresses.ts";
import type { Config } from "../config.ts";
import { isLoopback } from "../is-loopback.ts";
import { refuse } from "./malformed-request.ts";

/** After `refuseUnclear`: the Host header is there once, and well-formed. */
export function refuseOtherHosts(listener: RequestListener, config: Config, newId: () => string): RequestListener {
  const isOurs = ownHosts(config);
  if (!isOurs) return listener;
  return (request, response) => {
    const other = hostsOf(request, config).find((host) => !isOurs(nameOf(host)));
    if (other === undefined) return listener(request, response);
    refuse(response, { status: 421, code: "invalid_argument", detail: explain(other) }, newId());
  };
}

/**
 * Undefined where any host is served: under TLS the certificate is held against the name; elsewhere than on loopback people
 * come by whatever name the network gives; and behind a proxy nobody has told us the name that people type.
 */
export function ownHosts(config: Config): ((name: string) => boolean) | undefined {
  const { httpAddr, publicUrl, httpHosts, trustProxy } = config;
  if (servesTls(config) || !isLoopback(httpAddr.host)) return undefined;
  const names = [...(publicUrl ? [new URL(publicUrl).host] : []), ...httpHosts].map(nameOf);
  if (trustProxy !== false && names.length === 0) return undefined;
  // An address cannot be made to resolve to anything else, and nobody can own a name below localhost (RFC 6761, 6.3).
  return (name) => isIP(name) !== 0 || name === "localhost" || name.endsWith(".localhost") || names.includes(name);
}

/** A proxy may ask us as the address that it knows us by, and say in X-Forwarded-Host as whom it was asked. */
function hostsOf({ headers }: IncomingMessage, { trustProxy }: Config): string[] {
  const forwarded = trustProxy === false ? "" : [headers["x-forwarded-host"] ?? ""].flat().join();
  const asked = forwarded.split(",").map((entry) => entry.trim());
  return [headers.host ?? "", ...asked.filter((entry) => entry !== "")];
}

/** As the URL standard writes it: lower case, 0x7f.1 as 127.0.0.1, no brackets, no port, no dot at the end. */
function nameOf(host: string): string {
  if (!URL.canParse(`http://${host}`)) return "";
  return new URL(`http://${host}`).hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
}

function explain(host: string): string {
  const name = JSON.stringify(host.slice(0, 100));
  return (
    `This controller listens on this machine only and is not asked as ${name}: use localhost, an address, or the host of ` +
    "OC_PUBLIC_URL. If people shall reach it under that name, set OC_PUBLIC_URL, or name it in OC_HTTP_HOSTS."
  );
}
