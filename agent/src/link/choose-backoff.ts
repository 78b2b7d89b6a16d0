// How long to wait before dialling again: 0.2 s doubling to 4 s with full jitter, so that a fleet that lost its
// controller does not come back in one wave. Pure but for the random number, which is an argument.

const firstMs = 200;
const mostMs = 4_000;

/** `failures` since the last welcome, from 1. */
export function chooseBackoff(failures: number, random: number): number {
  const ceiling = Math.min(mostMs, firstMs * 2 ** Math.min(failures - 1, 10));
  return Math.round(ceiling * random);
}
