// Which kills a chaos run makes, and when: all of it from the seed. Pure; called by chaos.ts.
import type { Random } from "./random.ts";

export const victims = ["controller", "agent", "supervisor", "postmaster", "backend"] as const;
export type Victim = (typeof victims)[number];

/** Pairs that are killed at once, and how often each kind of strike is drawn. */
const choices: { victims: Victim[]; weight: number }[] = [
  { victims: ["controller"], weight: 5 },
  { victims: ["agent"], weight: 5 },
  { victims: ["supervisor"], weight: 5 },
  { victims: ["postmaster"], weight: 4 },
  { victims: ["backend"], weight: 4 },
  { victims: ["controller", "postmaster"], weight: 2 },
  { victims: ["agent", "supervisor"], weight: 2 },
  { victims: ["agent", "controller"], weight: 2 },
  { victims: ["agent", "postmaster"], weight: 1 },
  { victims: ["controller", "backend"], weight: 1 },
];

export interface Strike {
  index: number;
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

/** Strikes until `kills` processes are killed. `momentsOf` names the moments that suit a choice of victims. */
export function planStrikes(
  random: Random,
  kills: number,
  agents: number,
  momentsOf: (v: Victim[]) => string[],
): Strike[] {
  const strikes: Strike[] = [];
  for (let planned = 0; planned < kills; ) {
    const own = random.stream(`strike ${strikes.length}`);
    const chosen = chooseVictims(own, kills - planned);
    const moments = momentsOf(chosen);
    strikes.push({
      ...{ index: strikes.length, victims: chosen, agent: own.int(0, agents - 1) },
      moment: moments.length > 0 && own.chance(0.6) ? own.pick(moments) : undefined,
      ...{ pauseMs: own.int(0, 900), waitsForRecovery: own.chance(0.8), wholeSession: own.chance(0.5) },
    });
    planned += chosen.length;
  }
  return strikes;
}

function chooseVictims(random: Random, left: number): Victim[] {
  const fitting = choices.filter((choice) => choice.victims.length <= left);
  let at = random.next() * fitting.reduce((sum, { weight }) => sum + weight, 0);
  for (const { victims: chosen, weight } of fitting) {
    at -= weight;
    if (at < 0) return chosen;
  }
  return fitting.at(-1)!.victims;
}
