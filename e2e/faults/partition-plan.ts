// Which hosts are cut off, how, and for how long: all of it from the seed. Pure; called by partition.ts.
import type { Random } from "./random.ts";

export const cutKinds = ["both ways", "to the host", "from the host", "half-open", "flapping", "loss", "slow"] as const;
export type CutKind = (typeof cutKinds)[number];

const weights: Record<CutKind, number> = {
  "both ways": 6,
  "to the host": 4,
  "from the host": 4,
  "half-open": 3,
  flapping: 3,
  loss: 2,
  slow: 1,
};

export interface Cut {
  index: number;
  host: number;
  kind: CutKind;
  /** The controller gives the peer up before it is healed. */
  isLong: boolean;
  /** Until it is healed; of a long one, from when it was noticed. A half-open one ends when the agent has found out. */
  forMs: number;
  /** Of one that flaps: lost and not lost in turns. */
  turnsMs: number[];
  /** So many packets of a hundred. */
  lossPercent: number;
  /** Before it, after the host is back from the one before. */
  pauseMs: number;
}

export interface CutLimits {
  /** So many of them are long. */
  long: number;
  mostMs: number;
}

export function planCuts(random: Random, times: number, hosts: number, limits: CutLimits): Cut[] {
  const every = limits.long > 0 ? times / limits.long : Number.POSITIVE_INFINITY;
  return Array.from({ length: times }, (_, index) => {
    const own = random.stream(`cut ${index}`);
    const isLong = Math.floor(index / every) !== Math.floor((index - 1) / every);
    const kind = isLong ? own.pick(["both ways", "to the host", "from the host"] as const) : pickKind(own);
    const turns = kind === "flapping" ? own.int(4, 10) : 0;
    return {
      ...{ index, host: index % hosts, kind, lossPercent: own.int(10, 40), pauseMs: own.int(0, 1500) },
      ...{ isLong, forMs: isLong ? own.int(0, 3_000) : chooseMs(own, limits.mostMs) },
      turnsMs: Array.from({ length: turns }, () => own.int(50, 900)),
    };
  });
}

function pickKind(random: Random): CutKind {
  let at = random.next() * Object.values(weights).reduce((sum, weight) => sum + weight, 0);
  for (const kind of cutKinds) {
    at -= weights[kind];
    if (at < 0) return kind;
  }
  return "both ways";
}

/** Mostly short; the longer ones are where the kernel's retransmissions and the pings of both sides come in. */
function chooseMs(random: Random, mostMs: number): number {
  return Math.min(mostMs, random.chance(0.6) ? random.int(150, 2_500) : random.int(2_500, 16_000));
}
