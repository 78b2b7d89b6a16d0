// What hosts are told to dial: from the configuration, else derived from where the console and the listeners are. Pure.
import { hostname } from "node:os";
import type { Config } from "../config.ts";
import { isLoopback } from "../config.ts";

export interface PublicAddresses {
  /** Of the console and the REST API, without a slash at the end. */
  url: string;
  /** host:port of AgentService. */
  agentAddress: string;
  /** host:port of EnrollmentService. */
  apiAddress: string;
}

type Needs = Pick<Config, "httpAddr" | "agentAddr" | "apiAddr" | "publicUrl" | "publicAgentAddr" | "publicApiAddr">;

/** `ports`: the ones really bound, since 0 may have been asked for. */
export function publicAddresses(
  config: Needs,
  ports: { http: number; agent: number; api: number },
  name: string = hostname(),
): PublicAddresses {
  const host = config.publicUrl ? new URL(config.publicUrl).hostname : reachable(config.httpAddr.host, name);
  const scheme = isLoopback(config.httpAddr.host) ? "http" : "https";
  // A listener that is bound to one address is reached there, whatever the console is called.
  const at = (bound: string) => (isWildcard(bound) ? host : bound);
  return {
    url: config.publicUrl ?? `${scheme}://${join(host, ports.http)}`,
    agentAddress: config.publicAgentAddr ?? join(at(config.agentAddr.host), ports.agent),
    apiAddress: config.publicApiAddr ?? join(at(config.apiAddr.host), ports.api),
  };
}

function reachable(bound: string, name: string): string {
  return isWildcard(bound) ? name : bound;
}

function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::" || host === "";
}

function join(host: string, port: number): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]:${port}` : `${host}:${port}`;
}
