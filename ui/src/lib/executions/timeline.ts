// Places the tries of steps on a common time axis; targets whose steps are not loaded are one bar. Pure.
import type { Assignment, Step } from "../api/types.ts";

export interface Bar {
  key: string;
  name: string;
  state: string;
  /** Fractions of the axis. */
  left: number;
  width: number;
  startMs: number;
  durationMs: number;
}
export interface TimelineRow {
  target: string;
  bars: Bar[];
}
export interface Timeline {
  startMs: number;
  endMs: number;
  rows: TimelineRow[];
  /** Some targets are one bar. */
  hasWhole: boolean;
}

interface Span extends Omit<Bar, "left" | "width"> {
  target: string;
}

/** A bar that took no time is still to be seen. */
const leastWidth = 0.003;

export function timelineOf(
  steps: readonly Step[],
  assignments: readonly Assignment[],
  nowMs: number,
): Timeline | undefined {
  const detailed = steps.flatMap((step) => stepSpans(step, nowMs));
  const known = new Set(detailed.map((span) => span.target));
  const whole = assignments
    .filter((assignment) => !known.has(assignment.targetName))
    .flatMap((assignment) => wholeSpan(assignment, nowMs));
  const spans = [...detailed, ...whole].toSorted((a, b) => a.startMs - b.startMs);
  const first = spans[0];
  if (!first) return undefined;
  const startMs = first.startMs;
  const endMs = spans.reduce((end, span) => Math.max(end, span.startMs + span.durationMs), startMs + 1);
  const rows = new Map<string, Bar[]>();
  for (const { target, ...span } of spans) {
    const left = (span.startMs - startMs) / (endMs - startMs);
    const bars = rows.get(target) ?? [];
    bars.push({ ...span, left, width: Math.max(leastWidth, span.durationMs / (endMs - startMs)) });
    rows.set(target, bars);
  }
  const named = [...rows].map(([target, bars]) => ({ target, bars }));
  // What is looked at in detail stands first, the others by their start.
  named.sort((a, b) => Number(known.has(b.target)) - Number(known.has(a.target)));
  return { startMs, endMs, rows: named, hasWhole: whole.length > 0 };
}

function stepSpans(step: Step, nowMs: number): Span[] {
  return step.tries.flatMap((one) => {
    if (!one.startedAt) return [];
    const key = `${step.assignmentId}/${step.stepId}/${one.attempt}/${one.try}`;
    return [{ target: step.targetName, key, name: step.name, state: one.state, ...lengthOf(one, nowMs) }];
  });
}

function wholeSpan(assignment: Assignment, nowMs: number): Span[] {
  if (!assignment.startedAt) return [];
  const { targetName: target, id: key, state } = assignment;
  return [{ target, key, name: target, state, ...lengthOf(assignment, nowMs) }];
}

function lengthOf(
  { startedAt, finishedAt }: { startedAt: string | null; finishedAt: string | null },
  nowMs: number,
): { startMs: number; durationMs: number } {
  const startMs = Date.parse(startedAt ?? "");
  return { startMs, durationMs: Math.max(0, (finishedAt ? Date.parse(finishedAt) : nowMs) - startMs) };
}
