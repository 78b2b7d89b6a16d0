// Seeded randomness for the fault tests: everything random of a run derives from one seed by named streams, so that a
// run can be planned again. Pure.
import { createHash, randomBytes } from "node:crypto";

export interface Random {
  /** From 0 up to, not including, 1. */
  next(): number;
  /** A whole number, both ends included. */
  int(min: number, max: number): number;
  pick<T>(list: readonly T[]): T;
  chance(probability: number): boolean;
  /** An independent stream: what one part draws does not move what another gets. */
  stream(name: string): Random;
}

/** sfc32, seeded with the sha256 of the seed's text. */
export function createRandom(seed: string): Random {
  const digest = createHash("sha256").update(seed).digest();
  let [a, b, c, d] = [0, 4, 8, 12].map((at) => digest.readUInt32LE(at)) as [number, number, number, number];
  const next = () => {
    const sum = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return (sum >>> 0) / 2 ** 32;
  };
  const int = (min: number, max: number) => min + Math.floor(next() * (max - min + 1));
  return {
    next,
    int,
    pick: (list) => list[int(0, list.length - 1)]!,
    chance: (probability) => next() < probability,
    stream: (name) => createRandom(`${seed}/${name}`),
  };
}

/** For runs that were not given one; short enough to be typed. */
export function newSeed(): string {
  return randomBytes(4).toString("hex");
}
