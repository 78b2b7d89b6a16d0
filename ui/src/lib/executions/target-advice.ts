// What a person must know about one target, and what can be done now: wait, declare lost, retry. Pure; shown above its log
// and in the table of targets.
import type { Assignment } from "../api/types.ts";
import { formatBytes } from "../format/number.ts";
import { limits } from "../messages/areas/limits.ts";
import { recovery } from "../messages/areas/recovery.ts";
import { m } from "../messages/m.ts";

export interface Advice {
  tone: "run" | "warn" | "bad";
  title: string;
  text: string;
  /** A moment that the words lead to. */
  moment?: { label: string; at: string };
  canAbandon: boolean;
  canRetry: boolean;
}

/** A pause between the end and its last bytes is ordinary; after this a person may wonder. */
const patienceMs = 10_000;
const words = m.executions.live;
const advice = recovery.advice;
const retriable = ["failed", "timed_out", "lost", "denied", "expired"];

export function adviceOf(assignment: Assignment, nowMs: number): Advice | undefined {
  const { state } = assignment;
  const acts = { canAbandon: assignment.canAbandon, canRetry: retriable.includes(state) };
  const found = openAdvice(assignment, nowMs) ?? endAdvice(assignment);
  return found && { ...acts, ...found };
}

type Part = Omit<Advice, "canAbandon" | "canRetry">;

function openAdvice(a: Assignment, nowMs: number): Part | undefined {
  if (a.state === "queued") return queuedAdvice(a);
  if (a.waitingForOutput && nowMs - Date.parse(a.waitingForOutput.since) > patienceMs) {
    const { state, missingBytes, since } = a.waitingForOutput;
    const told = m.states[state as keyof typeof m.states]?.toLowerCase() ?? state;
    const text = advice.waitingOutputText(told, formatBytes(missingBytes));
    return { tone: "warn", title: advice.waitingOutput, text, moment: { label: advice.waitingSince, at: since } };
  }
  if (a.unreachable) {
    const moment = a.unreachableSince ? { moment: { label: advice.since, at: a.unreachableSince } } : {};
    const late = a.overdueSince ? `${advice.overdue}. ` : "";
    return {
      tone: "warn",
      title: words.unreachableState(m.states[a.state]),
      text: late + advice.unreachable,
      ...moment,
    };
  }
  if (a.overdueSince)
    return { tone: "warn", title: advice.overdue, text: advice.overdueText, moment: { label: "", at: a.overdueSince } };
  return a.state === "offered" ? { tone: "run", title: m.states.offered, text: words.offered } : undefined;
}

function queuedAdvice(a: Assignment): Part {
  const title = m.states.queued;
  if (a.agentId === null) return { tone: "warn", title, text: words.waitingNoAgent };
  if (!a.unreachable)
    return { tone: "run", title, text: a.waitsFor ? limits.targetWaits[a.waitsFor] : words.waitingQueue };
  const moment = a.startBefore ? { moment: { label: advice.expires, at: a.startBefore } } : {};
  return { tone: "warn", title, text: words.waitingAgent, ...moment };
}

function endAdvice({ state, lateResult }: Assignment): Part | undefined {
  const title = m.states[state];
  if (state === "lost" && lateResult) {
    const told = m.states[lateResult.state as keyof typeof m.states]?.toLowerCase() ?? lateResult.state;
    return {
      ...{ tone: "bad", title: advice.lateTitle, text: advice.lateText(told) },
      moment: { label: "", at: lateResult.at },
    };
  }
  if (state === "lost") return { tone: "bad", title, text: advice.lostText };
  if (state === "denied") return { tone: "bad", title, text: advice.deniedText };
  if (state === "expired") return { tone: "bad", title, text: advice.expiredText };
  return state === "skipped" ? { tone: "run", title, text: words.skippedTarget } : undefined;
}
