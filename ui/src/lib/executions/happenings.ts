// What a timeline tells, in lines for people: the same thing on many targets within seconds is one line. Pure.
import type { TimelineKind } from "@opsconductor/contract/api/executions";
import type { TimelineEntry } from "../api/types.ts";
import { formatDuration } from "../format/duration.ts";
import { formatBytes } from "../format/number.ts";
import { recovery } from "../messages/areas/recovery.ts";
import { m } from "../messages/m.ts";

export interface Happening {
  id: string;
  kind: TimelineKind;
  /** Of the newest. */
  at: string;
  targets: string[];
  title: string;
  details: string[];
  /** Words of people or hosts. */
  said: string;
}

const togetherMs = 10_000;
const words = recovery.timeline;

/** `entries` and the answer are newest first. */
export function happeningsOf(entries: readonly TimelineEntry[]): Happening[] {
  const groups: TimelineEntry[][] = [];
  for (const entry of entries) {
    const last = groups.at(-1);
    if (last && belongTogether(last.at(-1)!, entry)) last.push(entry);
    else groups.push([entry]);
  }
  return groups.map(toHappening);
}

function belongTogether(a: TimelineEntry, b: TimelineEntry): boolean {
  if (a.kind !== b.kind || a.targetName === null || b.targetName === null || a.targetName === b.targetName)
    return false;
  if (Math.abs(Date.parse(a.at) - Date.parse(b.at)) > togetherMs) return false;
  const same = ["reason", "by", "agentRestarted", "hostRebooted", "controllerChanged", "state", "stepId"];
  return same.every((key) => a.detail[key] === b.detail[key]);
}

function toHappening(group: readonly TimelineEntry[]): Happening {
  const [first] = group as [TimelineEntry, ...TimelineEntry[]];
  const targets = [...new Set(group.flatMap((e) => e.targetName ?? []))];
  return {
    ...{ id: first.id, kind: first.kind, at: first.at, targets },
    title: titleOf(first, targets),
    details: group.length === 1 ? detailsOf(first) : sharedDetailsOf(first),
    said: text(first.detail.reason) || text(first.detail.code),
  };
}

function titleOf({ kind, detail }: TimelineEntry, targets: readonly string[]): string {
  const say: unknown = words.say[kind as keyof typeof words.say] ?? kind;
  if (kind === "execution.finished") return words.say[kind](wordOf(text(detail.state)));
  if (kind === "execution.retried") return words.say[kind](number(detail.number), number(detail.targets));
  if (typeof say === "string") return say;
  const name = targets.length === 1 ? targets[0] : undefined;
  return (say as (name: string | undefined, count: number) => string)(name, targets.length);
}

function sharedDetailsOf({ detail }: TimelineEntry): string[] {
  const flags = ["agentRestarted", "hostRebooted", "controllerChanged"] as const;
  return [
    ...flags
      .filter((flag) => detail[flag] === true && !(flag === "agentRestarted" && detail.hostRebooted === true))
      .map((flag) => words.detail[flag]),
    ...(text(detail.by) ? [words.by(text(detail.by))] : []),
  ];
}

function detailsOf(entry: TimelineEntry): string[] {
  const { kind, detail, at } = entry;
  const step = text(detail.stepId);
  const told = text(detail.state);
  const since = text(detail.awaySince);
  return [
    ...sharedDetailsOf(entry),
    ...(since ? [words.away(formatDuration(Math.max(0, Date.parse(at) - Date.parse(since))))] : []),
    ...(kind === "step.adopted"
      ? [words.detail.samePid(step, number(detail.pid))]
      : step
        ? [words.detail.step(step)]
        : []),
    ...(kind === "output.gap" ? [words.detail.omitted(formatBytes(number(detail.omittedBytes)))] : []),
    ...(kind === "cancel.requested" ? cancelDetails(number(detail.asked), number(detail.ended)) : []),
    ...(text(detail.stage) ? [words.detail.stage(text(detail.stage))] : []),
    ...(kind === "batch.released" ? [words.detail.batch(number(detail.batch), number(detail.batches))] : []),
    ...(kind === "deadline.passed" && text(detail.reason) ? [text(detail.reason)] : []),
    ...(kind === "rollout.stopped" ? [words.detail.skipped(number(detail.skipped))] : []),
    ...(kind === "stage.finished" && told ? [wordOf(told)] : []),
    ...(kind === "assignment.late_result" && told ? [wordOf(told)] : []),
    ...(kind === "assignment.offered_again" ? [words.detail.attempt(number(detail.attempt))] : []),
  ];
}

const cancelDetails = (asked: number, ended: number): string[] => [
  ...(asked > 0 ? [words.detail.asked(asked)] : []),
  ...(ended > 0 ? [words.detail.ended(ended)] : []),
];

const text = (value: unknown): string => (typeof value === "string" ? value : "");
const number = (value: unknown): number => (typeof value === "number" ? value : 0);
const wordOf = (state: string): string => m.states[state as keyof typeof m.states] ?? m.states.unknown;
