// A part of the controller that runs until the controller stops. main.ts lists them; lifecycle.ts starts them in
// order and stops them in reverse.
import type { Context } from "./context.ts";

export interface Running {
  stop(): Promise<void> | void;
}

export interface Service {
  name: string;
  /** Returns when the service does its work. Throws `StartRefused` for what an operator can mend. */
  start(ctx: Context): Promise<Running> | Running;
}

/** `to start again`: the program goes on, and what can outlive a stop may stay, the database above all. */
export type StopKind = "for good" | "to start again";

/** What lifecycle.ts offers to those who build the context part by part. */
export interface PartStarter {
  readonly signal: AbortSignal;
  start<T>(
    name: string,
    start: () => Promise<T> | T,
    stop?: (started: T, kind: StopKind) => Promise<void> | void,
  ): Promise<T>;
}
