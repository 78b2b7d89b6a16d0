// Which kills a chaos run makes, and when: all of it from the seed. Pure; called by chaos.ts.
import type { Random } from "./random.ts";

export const victims = ["controller", "agent", "supervisor", "postmaster", "backend"] as const;
export type Victim = (typeof victims)[number];

/** Who is killed at once, and how often each choice is drawn. */
const choices: { victims: Victim[]; weight: number }[] = [
  { victims: ["controller"], weight: 4 },
  { victims: ["agent"], weight: 7 },
  { victims: ["supervisor"], weight: 8 },
  { victims: ["postmaster"], weight: 3 },
  { victims: ["backend"], weight: 5 },
  { victims: ["controller", "postmaster"], weight: 2 },
  { victims: ["agent", "supervisor"], weight: 4 },
  { victims: ["agent", "controller"], weight: 2 },
  { victims: ["agent", "postmaster"], weight: 1 },
  { victims: ["controller", "backend"], weight: 1 },
];

/** Hosts lose agents and supervisors while, beside it, the controller and PostgreSQL are struck. */
export type Lane = "hosts" | "center";

export interface Strike {
  index: number;
  /** Strikes of one lane are made one after the other. */
  lane: Lane;
  /** All at once, in this order. */
  victims: Victim[];
  /** Of the agent, or of the agent whose supervisor it is. */
  agent: number;
  /** The moment to wait for; undefined: whatever happens when its time has come. */
  moment: string | undefined;
  /** Before it: after everything is back, or not waiting for that at all. */
  pauseMs: number;
  waitsForRecovery: boolean;
  /** Of supervisors: its shell only, or its whole session with the step in it. */
  wholeSession: boolean;
}

/** What the plan has to know of a moment. */
export interface PlannableMoment {
  name: string;
}

export interface PlanOptions {
  agents: number;
  /** The moments that suit a choice of victims. */
  momentsFor(victims: Victim[]): PlannableMoment[];
}

/** The same for the same index, whatever was planned before. */
export function planStrike(random: Random, index: number, { agents, momentsFor }: PlanOptions): Strike {
  const own = random.stream(`strike ${index}`);
  const chosen = chooseVictims(own);
  const moments = momentsFor(chosen);
  const lane = chosen.every((victim) => victim === "agent" || victim === "supervisor") ? "hosts" : "center";
  return {
    ...{ index, victims: chosen, agent: own.int(0, agents - 1) },
    lane,
    moment: moments.length > 0 && own.chance(0.6) ? own.pick(moments).name : undefined,
    pauseMs: lane === "center" ? own.int(0, 2500) : own.int(0, 1000),
    ...{ waitsForRecovery: own.chance(0.8), wholeSession: own.chance(0.5) },
  };
}

function chooseVictims(random: Random): Victim[] {
  let at = random.next() * choices.reduce((sum, { weight }) => sum + weight, 0);
  for (const { victims: chosen, weight } of choices) {
    at -= weight;
    if (at < 0) return chosen;
  }
  return choices.at(-1)!.victims;
}
