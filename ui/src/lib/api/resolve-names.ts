// The preview of targets chosen by name. Names travel in the address, whose length is bounded: many names are asked
// in several requests and counted together. Used by the run dialog.
import { resolveTargets } from "./targets.ts";
import type { ResolveResponse } from "./types.ts";

/** Node's servers take 16 KiB of request line and headers together. */
const maxNamesChars = 5000;

export async function resolveNames(
  names: readonly string[],
  signal: AbortSignal | undefined,
  run: { job?: string; inputs?: string | undefined },
  resolve: typeof resolveTargets = resolveTargets,
): Promise<ResolveResponse> {
  const sum: ResolveResponse = { count: 0, withoutAgent: 0, offline: 0, limited: false, items: [] };
  for (const part of partsOf(names)) {
    const answer = await resolve({ names: part.join(","), ...run }, signal);
    sum.count += answer.count;
    sum.withoutAgent += answer.withoutAgent;
    sum.offline += answer.offline;
    sum.limited ||= answer.limited;
    sum.items.push(...answer.items);
  }
  return sum;
}

/** Consecutive parts whose joined text, escaped, stays below the bound. */
export function partsOf(names: readonly string[]): string[][] {
  const parts: string[][] = [];
  let room = 0;
  for (const name of names) {
    const length = encodeURIComponent(name).length + 3;
    if (parts.length === 0 || length > room) {
      parts.push([]);
      room = maxNamesChars;
    }
    parts.at(-1)?.push(name);
    room -= length;
  }
  return parts;
}
