// The addresses that people and hosts are told, derived from the configuration where they are not given. Pure, except
// that it looks at this machine's network interfaces.
import { networkInterfaces } from "node:os";
import type { Address, Config } from "./config.ts";
import { isLoopback } from "./is-loopback.ts";

type Needed = Pick<
  Config,
  | "httpAddr"
  | "agentAddr"
  | "apiAddr"
  | "tlsCertFile"
  | "publicUrl"
  | "publicAgentAddr"
  | "publicApiAddr"
  | "trustProxy"
>;

/** Whether our own HTTP listener speaks TLS: always, unless only this machine or only a reverse proxy can reach it. */
export function servesTls(config: Needed): boolean {
  return config.tlsCertFile !== undefined || !(isLoopback(config.httpAddr.host) || config.trustProxy);
}

/** Whether browsers reach the console over TLS, be it ours or the proxy's. */
export function isSecure(config: Needed): boolean {
  return servesTls(config) || config.publicUrl?.startsWith("https:") === true;
}

/** Address of the console, without a slash at the end. */
export function publicUrl(config: Needed): string {
  return config.publicUrl ?? `${servesTls(config) ? "https" : "http"}://${asPeopleTypeIt(config.httpAddr, undefined)}`;
}

/** host:port that agents connect to. */
export function publicAgentAddr(config: Needed): string {
  return config.publicAgentAddr ?? asPeopleTypeIt(config.agentAddr, config.publicUrl);
}

/** host:port that agents enrol at. */
export function publicApiAddr(config: Needed): string {
  return config.publicApiAddr ?? asPeopleTypeIt(config.apiAddr, config.publicUrl);
}

/** An address that means "every interface" is told as the public URL's host, or as this machine's first address. */
function asPeopleTypeIt({ host, port }: Address, url: string | undefined): string {
  const named = url && !isLoopback(host) ? new URL(url).hostname : host;
  const reachable = named === "0.0.0.0" || named === "::" ? firstAddress() : named;
  return `${reachable.includes(":") && !reachable.startsWith("[") ? `[${reachable}]` : reachable}:${port}`;
}

function firstAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const outside = all.filter((a) => !a.internal && !a.address.startsWith("fe80:"));
  return (outside.find((a) => a.family === "IPv4") ?? outside[0])?.address ?? "127.0.0.1";
}
