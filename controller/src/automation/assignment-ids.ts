// Ids of an execution's assignments: UUIDv7 of the execution's own millisecond, so that both live in the same monthly
// partition and one range of ids finds all of them. Pure; called where executions are created and read.

const hex = (value: number, digits: number) => value.toString(16).padStart(digits, "0");

/**
 * `count` ids in ascending order: the execution's 48 bits of time, a 32-bit position, 42 random bits.
 * `random` gives 6 bytes an id (its top 6 bits are not used).
 */
export function assignmentIds(executionId: string, count: number, random: (bytes: number) => Uint8Array): string[] {
  const time = executionId.slice(0, 13);
  const bytes = random(count * 6);
  return Array.from({ length: count }, (_, i) => {
    const position = hex(i, 8);
    const r = bytes.subarray(i * 6, i * 6 + 6);
    const low = Array.from(r.subarray(1), (b) => hex(b, 2)).join("");
    // version 7 | 12 bits of position | variant and 6 bits of position | 8 + 6 bits of position | randomness
    const high = Number.parseInt(position, 16);
    const a = hex(high >>> 20, 3);
    const b = hex(0x80 | ((high >>> 14) & 0x3f), 2);
    const c = hex((high >>> 6) & 0xff, 2);
    const d = hex(((high & 0x3f) << 2) | (r[0]! & 3), 2);
    return `${time}-7${a}-${b}${c}-${d}${low}`;
  });
}

/** Bounds [from, to] that hold every assignment of the execution, and let PostgreSQL skip the other partitions. */
export function assignmentIdRange(executionId: string): { from: string; to: string } {
  const time = executionId.slice(0, 13);
  return { from: `${time}-0000-0000-000000000000`, to: `${time}-ffff-ffff-ffffffffffff` };
}
