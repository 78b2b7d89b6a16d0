// Whether plain HTTP is allowed at an address. Used by configuration, listeners and outbound requests.

/** True for addresses that only this machine can reach: plain HTTP is allowed there. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}
