// host:port texts, as people and the controller write them. Pure.

export function parseAddress(text: string, defaultPort?: number): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:[\]\s/]+))(?::(\d{1,5}))?$/.exec(text.trim());
  const port = match?.[3] === undefined ? defaultPort : Number(match[3]);
  if (!match || port === undefined || port < 1 || port > 65535)
    throw new Error(`${JSON.stringify(text)} is not host:port, for example ops.example.org:3444 or [2001:db8::1]:3444`);
  return { host: (match[1] ?? match[2])!, port };
}

export function formatAddress({ host, port }: { host: string; port: number }): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The address as told, then the same port at the host that is known to be reachable. */
export function candidates(told: string, reachedBy: string): string[] {
  const other = formatAddress({ host: reachedBy, port: parseAddress(told).port });
  return [...new Set([told, other])];
}
