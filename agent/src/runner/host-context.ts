// What every part of the runner is given: built once by create-host.ts.
import type { Logger } from "pino";
import type { OwnerSettings } from "../guard/owner-settings.ts";
import type { Policy } from "../guard/policy.ts";
import type { AttemptKey, Journal, Moment } from "../journal/journal.ts";
import type { OutputRegistry, TryAddress } from "../output/output-registry.ts";
import type { Redactor } from "../output/redactor.ts";
import type { Cgroups } from "../process/cgroup.ts";
import type { SupervisorPool } from "../process/supervisor-pool.ts";
import type { Attempt } from "./attempt.ts";
import type { Slots } from "./slots.ts";

export interface HostSettings {
  /** Attempts that run at once; the rest waits accepted. */
  maxRunning: number;
  /** Between asking a step to stop and killing it. */
  graceMs: number;
  /** How long a background child may hold a finished step's output open. */
  drainMs: number;
  /** Of all unacknowledged output on this host. */
  maxSpoolBytes: number;
  /** Below it no work is taken, so that outcomes of running work still fit. */
  minFreeBytes: number;
  /** Supervisors that are started before there is a step for them. */
  waitingSupervisors: number;
  /** Outcomes that the controller never asked to forget are kept this long. */
  keepOutcomesMs: number;
}

/**
 * How long the news of a start waits for the news of its end: most steps are over by then, and then one commit here, one
 * message and one transaction on the controller tell all.
 */
export const soonMs = 8;

export const defaultSettings: HostSettings = {
  maxRunning: 32,
  graceMs: 10_000,
  drainMs: 2000,
  maxSpoolBytes: 1024 ** 3,
  minFreeBytes: 64 * 1024 ** 2,
  waitingSupervisors: 2,
  keepOutcomesMs: 30 * 24 * 3_600_000,
};

export interface HostContext {
  settings: HostSettings;
  stateFolder: string;
  bootId: string;
  /** Wall and monotonic clock, and the boot the latter counts in. */
  now(): Moment;
  log: Logger;
  journal: Journal;
  outputs: OutputRegistry;
  policy: Policy;
  owner: OwnerSettings;
  /** For what steps of other users need; outside of the state folder, which is closed to them. */
  userFolder: string;
  slots: Slots;
  cgroups: Cgroups | undefined;
  supervisors: SupervisorPool;
  /** What steps inherit. */
  baseEnvironment: Record<string, string>;
  /** What hides secrets in a try's output; undefined: nothing to hide. */
  redactorFor(address: TryAddress): Redactor | undefined;
  /** Attempts that are not finished, by fence. */
  attempts: Map<bigint, Attempt>;
  /** Something may be there to send: at once, or within a moment, together with what comes by then. */
  ready(when?: "now" | "soon"): void;
  /** Outcomes to be forgotten with the next batch. */
  forgetting: Set<bigint>;
  /** Aborted when the agent stops: waits end, running steps go on without us. */
  signal: AbortSignal;
}

export function describeKey(key: AttemptKey): { assignment: string; attempt: number } {
  return { assignment: key.assignmentId, attempt: key.attempt };
}
