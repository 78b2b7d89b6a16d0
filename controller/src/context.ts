// What every verb is given: `verb(ctx, actor, params)`. Built once by main.ts; no globals, no injection framework.
import type { Permission } from "@opsconductor/contract/permissions";
import type { Query, Sql } from "@opsconductor/database/connect";
import type { DatabaseTrouble } from "@opsconductor/database/database-trouble";
import type { Logger } from "pino";
import type { Registry } from "prom-client";
import type { Automation } from "./automation/automation.ts";
import type { Config } from "./config.ts";
import type { AgentPackages } from "./fleet/agent-packages.ts";
import type { CertificateAuthority } from "./fleet/certificate-authority.ts";
import type { HealthChecks } from "./health.ts";
import type { Rights, ScopedGrant } from "./identity/grants.ts";
import type { Identity } from "./identity/identity.ts";
import type { Keys } from "./keys.ts";
import type { Live } from "./live/live.ts";
import type { PostgresPeers } from "./live/postgres-peers.ts";

export type { Query, Sql };

export interface Context {
  config: Config;
  log: Logger;
  sql: Sql;
  /** Wall clock, for rows and people. Durations use `performance.now()`. */
  now: () => Date;
  /** A new UUIDv7. */
  newId: () => string;
  live: Live;
  /** The other controllers of this database. */
  peers: PostgresPeers;
  /** Encrypts what the database must not reveal. */
  keys: Keys;
  identity: Identity;
  /** Dispatch and recording, with what they keep in memory. */
  automation: Automation;
  /** What /metrics shows; a part registers its own counters here at its start. */
  metrics: Registry;
  /** What /health asks; a part that can fail registers its check here at its start. */
  health: HealthChecks;
  /** What is wrong with the database as a whole, while something is; see database-watch.ts. */
  databaseTrouble: () => DatabaseTrouble["kind"] | undefined;
  /** Issues certificates for agents and listeners; opened once at the start. */
  authority: CertificateAuthority;
  /** The agent as archives for hosts. */
  packages: AgentPackages;
  controllerId: string;
  clusterId: string;
  /** Aborted when the controller stops: loops end, waits reject. */
  signal: AbortSignal;
}

/** Who acts. Every verb that a person, program or agent can cause takes one. */
export interface Actor {
  kind: "user" | "agent" | "system" | "anonymous";
  id: string | null;
  name: string;
  sessionId: string | null;
  requestId: string | null;
  address: string | null;
  /** Over everything. */
  permissions: ReadonlySet<Permission | "*">;
  /** Roles within a scope; see identity/visible-to.ts. */
  grants?: readonly ScopedGrant[];
  /** The session's latest proof (password, code, passkey) is too old for dangerous acts; see identity/step-up.ts. */
  proofIsOld?: boolean;
  /** The API token that calls in the user's name; then there is no session. */
  token?: ActorToken;
}

export interface ActorToken {
  id: string;
  name: string;
  /** As it was made; `permissions` of the actor are what is left of them. */
  scopes: ReadonlySet<string>;
  /** What its owner may do, which is more: what somebody may do besides can make a right worth less. */
  owner: Rights;
  expiresAt: Date | null;
}

export const systemActor: Actor = {
  kind: "system",
  id: null,
  name: "system",
  sessionId: null,
  requestId: null,
  address: null,
  permissions: new Set(["*"]),
};
