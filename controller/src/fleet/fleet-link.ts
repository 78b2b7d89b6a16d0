// What the fleet knows of a live stream beyond what dispatch needs: its certificate, its last heartbeat. grpc/ implements
// it; presence, the watch over trust and the writer of vitals read it.
import type { AgentLink } from "./agent-link.ts";

export interface Vitals {
  load1: number;
  cpuFraction: number;
  memoryUsedBytes: number;
  memoryTotalBytes: number;
  runningAttempts: number;
  spooledBytes: number;
  /** The agent's clock less ours, when its last heartbeat arrived; undefined when it did not say. */
  clockOffsetMs?: number;
  /** Why the agent takes no work; empty when healthy. */
  degraded: string;
}

export interface FleetLink extends AgentLink {
  readonly serial: string;
  readonly certificateNotAfter: Date;
  /** Of the last heartbeat; undefined before the first. */
  readonly vitals: Vitals | undefined;
  /** `performance.now()` of the last heartbeat. */
  readonly heardAtMs: number;
  quarantined: boolean;
  /** Of the database, when the stream was opened. */
  readonly generation: number;
  /** Its hello was answered with nothing to do. */
  readonly openedInQuarantine: boolean;
}
