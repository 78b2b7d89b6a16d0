// Whether the address that hosts are told is the one in the browser's address bar. Pure; first sign-in asks.

const loopback = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** Same scheme, port and host; the names of this computer are one name. An address that cannot be read differs. */
export function isSameAddress(told: string, here: string): boolean {
  if (!URL.canParse(told) || !URL.canParse(here)) return false;
  const [a, b] = [new URL(told), new URL(here)];
  if (a.origin === b.origin) return true;
  return a.protocol === b.protocol && a.port === b.port && loopback.test(a.hostname) && loopback.test(b.hostname);
}
