// Places the tries of steps on a common time axis. Pure.
import type { Step } from "../api/types.ts";

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
}

interface Span extends Omit<Bar, "left" | "width"> {
  target: string;
}

export function timelineOf(steps: readonly Step[], nowMs: number): Timeline | undefined {
  const spans = steps.flatMap((step) => spansOf(step, nowMs));
  if (spans.length === 0) return undefined;
  const startMs = Math.min(...spans.map((span) => span.startMs));
  const endMs = Math.max(startMs + 1, ...spans.map((span) => span.startMs + span.durationMs));
  const rows = new Map<string, Bar[]>();
  for (const { target, ...span } of spans) {
    const left = (span.startMs - startMs) / (endMs - startMs);
    const bars = rows.get(target) ?? [];
    bars.push({ ...span, left, width: Math.max(0.003, span.durationMs / (endMs - startMs)) });
    rows.set(target, bars);
  }
  return { startMs, endMs, rows: [...rows].map(([target, bars]) => ({ target, bars })) };
}

function spansOf(step: Step, nowMs: number): Span[] {
  return step.tries.flatMap((one) => {
    if (!one.startedAt) return [];
    const startMs = Date.parse(one.startedAt);
    const endMs = one.finishedAt ? Date.parse(one.finishedAt) : nowMs;
    const key = `${step.assignmentId}/${step.stepId}/${one.attempt}/${one.try}`;
    return [
      {
        target: step.targetName,
        key,
        name: step.name,
        state: one.state,
        startMs,
        durationMs: Math.max(0, endMs - startMs),
      },
    ];
  });
}
