// Who is paused, how, and for how long: all of it from the seed. Pure; called by pause.ts.
import type { Random } from "./random.ts";

/**
 * `late stream`: an agent's stream is held back until a newer one has taken over, and delivered then. `controller, agents
 * moved`: its agents go to the other one; `left`: they stay and wait.
 */
export const pauseKinds = [
  "controller, agents moved",
  "controller, agents left",
  "PostgreSQL",
  "agent",
  "late stream",
] as const;
export type PauseKind = (typeof pauseKinds)[number];

export interface Pause {
  index: number;
  kind: PauseKind;
  /** Which agent; of the controllers it is the one that holds more. */
  which: number;
  forMs: number;
  /** Before it. */
  afterMs: number;
}

export interface PauseLimits {
  agents: number;
  leaseMs: number;
  /** One of so many pauses of agents outlasts the controller's patience; 0: none. */
  longEvery: number;
}

/** Those of controllers and PostgreSQL come one after the other; those of agents go on beside them. */
export function planPauses(
  random: Random,
  times: number,
  limits: PauseLimits,
): { central: Pause[]; agents: Pause[][] } {
  const central: Pause[] = [];
  const agents: Pause[][] = Array.from({ length: limits.agents }, () => []);
  for (let index = 0; index < times; index++) {
    const own = random.stream(`pause ${index}`);
    // Three of five are of agents, which are many.
    const kind = own.pick(index % 5 < 2 ? pauseKinds.slice(0, 3) : pauseKinds.slice(3));
    const lane = index % limits.agents;
    const isLong = kind === "agent" && limits.longEvery > 0 && index % limits.longEvery === limits.longEvery - 1;
    const beyondLease = limits.leaseMs + own.int(300, 2_500);
    const forMs = kind === "late stream" ? own.int(200, 1_200) : isLong ? own.int(26_000, 32_000) : beyondLease;
    const pause = { index, kind, which: lane, forMs, afterMs: own.int(0, 1_000) };
    if (index % 5 < 2) central.push(pause);
    else agents[lane]!.push(pause);
  }
  return { central, agents };
}
