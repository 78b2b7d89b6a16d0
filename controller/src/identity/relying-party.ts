// The name that passkeys are bound to: the host of the console's public address (WebAuthn, 5.1.2). Pure.
import { isIP } from "node:net";
import { OcError } from "@opsconductor/contract/errors";
import { publicUrl } from "../addresses.ts";
import type { Config } from "../config.ts";
import { isLoopback } from "../is-loopback.ts";

export interface RelyingParty {
  id: string;
  origin: string;
}

/**
 * Browsers make passkeys for names over TLS, and for localhost; never for addresses. On this machine alone the console is
 * at localhost as well.
 */
export function relyingParty(config: Config): RelyingParty {
  const url = new URL(publicUrl(config));
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (isLoopback(host)) {
    url.hostname = "localhost";
    return { id: "localhost", origin: url.origin };
  }
  if (isIP(host) !== 0 || url.protocol !== "https:")
    throw new OcError(
      "failed_precondition",
      `Passkeys need the console under a name and over https, and it is at ${url.origin}: set OC_PUBLIC_URL to such an address.`,
    );
  return { id: host, origin: url.origin };
}
