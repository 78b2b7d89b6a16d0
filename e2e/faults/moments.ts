// The exact moments at which a chaos run strikes, in one table: a record appears on a host, a transaction has made a
// change and not committed it, a change was just committed, a program says something. None needs a hook in the product:
// they are seen from outside. Called by killer.ts.
import type { Victim } from "./chaos-plan.ts";
import type { HostEvent } from "./host-watch.ts";
import type { Entity } from "./transitions.ts";

export type Trigger =
  /** A record of a try appears on the host. */
  | { kind: "host"; event: HostEvent }
  /** The transaction that enters the state is stopped before its commit until the strike is made. */
  | { kind: "inside"; entity: Entity | "output"; state: string }
  /** The state was just committed. */
  | { kind: "committed"; entity: Entity; state: string }
  /** The controller or the agent writes this into its log. */
  | { kind: "log"; of: "controller" | "agent"; text: string };

export interface Moment {
  name: string;
  trigger: Trigger;
  /** Killed first, because the moment comes only after that. */
  provoke?: Victim;
  suits: readonly Victim[];
}

const onHost: readonly Victim[] = ["agent", "supervisor", "controller"];
const inDatabase: readonly Victim[] = ["controller", "postmaster", "backend", "agent"];
const host = (name: string, event: HostEvent, suits = onHost): Moment => ({
  name,
  trigger: { kind: "host", event },
  suits,
});
const inside = (entity: Entity | "output", state: string): Moment => ({
  name: `inside the transaction: ${entity} ${state}`,
  trigger: { kind: "inside", entity, state },
  suits: inDatabase,
});
const committed = (entity: Entity, state: string): Moment => ({
  name: `just committed: ${entity} ${state}`,
  trigger: { kind: "committed", entity, state },
  suits: inDatabase,
});
const said = (of: "controller" | "agent", text: string, provoke: Victim, suits: readonly Victim[]): Moment => ({
  name: `${of} says ${text}`,
  trigger: { kind: "log", of, text },
  ...{ provoke, suits },
});

export const moments: readonly Moment[] = [
  host("the attempt's folder appears (accepted)", "attempt", ["agent", "controller"]),
  host("the spawn's folder appears (starting is journaled next)", "spawn"),
  host("the claim appears", "claim"),
  host("the first output is written", "head"),
  host("the command is over", "code"),
  host("the exit record appears", "exit"),
  host("the spawn's folder goes (reported)", "gone", ["agent", "controller"]),
  inside("execution", "queued"),
  inside("assignment", "offered"),
  inside("assignment", "accepted"),
  inside("assignment", "running"),
  inside("assignment", "succeeded"),
  inside("execution", "succeeded"),
  inside("stage", "running"),
  inside("stage", "succeeded"),
  inside("approval", "approved"),
  inside("turn", "held"),
  inside("try", "started"),
  inside("try", "succeeded"),
  inside("output", "stored"),
  committed("execution", "queued"),
  committed("assignment", "offered"),
  committed("assignment", "accepted"),
  committed("assignment", "running"),
  committed("assignment", "succeeded"),
  committed("try", "started"),
  committed("try", "succeeded"),
  committed("execution", "succeeded"),
  committed("execution", "paused"),
  committed("stage", "running"),
  committed("stage", "failed"),
  committed("approval", "approved"),
  committed("stop", "stopped"),
  committed("turn", "free"),
  said("controller", "grpc.listening", "controller", ["controller", "postmaster", "agent"]),
  said("controller", "agent.resumed", "controller", ["controller", "postmaster", "backend", "agent"]),
  said("controller", "postgres.died", "postmaster", ["controller"]),
  said("controller", "postgres.started", "postmaster", ["postmaster", "controller"]),
  said("agent", "agent.started", "agent", ["agent", "supervisor"]),
  said("agent", "try.adopted", "agent", ["agent", "supervisor"]),
  said("agent", "link.connected", "agent", ["agent", "controller"]),
];

const center: readonly Victim[] = ["controller", "postmaster", "backend"];

/** Moments at which all of these can be killed at once. A transaction is only stopped to kill one of its own sides. */
export function momentsFor(victims: readonly Victim[]): Moment[] {
  const strikesCenter = victims.some((victim) => center.includes(victim));
  return moments.filter(
    ({ suits, trigger }) =>
      victims.every((victim) => suits.includes(victim)) && (trigger.kind !== "inside" || strikesCenter),
  );
}

export function momentNamed(name: string): Moment {
  const found = moments.find((moment) => moment.name === name);
  if (!found) throw new Error(`There is no moment "${name}"`);
  return found;
}
