// The time ranges that the audit log is filtered by. Pure.

export const timeRanges = ["all", "hour", "day", "week", "month"] as const;
export type TimeRange = (typeof timeRanges)[number];

const hourMs = 3_600_000;
const lengthMs = { hour: hourMs, day: 24 * hourMs, week: 7 * 24 * hourMs, month: 30 * 24 * hourMs };

/** Where the range begins, RFC 3339 in UTC; undefined when it has no beginning. */
export function fromOf(range: TimeRange, nowMs: number): string | undefined {
  return range === "all" ? undefined : new Date(nowMs - lengthMs[range]).toISOString();
}
