// What a live event means to the person in front of the console: one notice, or nothing. Pure; notifier.svelte.ts calls.
import { executionStates, isTerminal } from "@opsconductor/contract/states";
import type { Agent, ApprovalDetail, Execution, LiveEvent } from "../api/types.ts";
import { notices as words } from "../messages/areas/notices.ts";
import { m } from "../messages/m.ts";
import { paths } from "../paths.ts";
import { browserOf } from "../users/browser-of.ts";

export type NoticeKind = "execution" | "approval" | "session" | "agent";

export interface Notice {
  kind: NoticeKind;
  /** The same thing told by two tabs, or twice by the controller, has the same key. */
  key: string;
  tone: "ok" | "bad" | "idle";
  title: string;
  text: string;
  href: string;
}

/** In a terminal state that is neither success nor somebody's own wish. */
const isGood = (state: string) => state === "succeeded" || state === "cancelled";

export function noticeOfExecution(execution: Execution, wish: "all" | "failures" | "never"): Notice | undefined {
  const { id, state, jobName, number } = execution;
  if (!isTerminal(executionStates, state) || wish === "never" || (wish === "failures" && isGood(state))) return;
  return {
    kind: "execution",
    key: `execution ${id} ${state}`,
    tone: state === "succeeded" ? "ok" : isGood(state) ? "idle" : "bad",
    title: words.execution(jobName, number, m.states[state]),
    text: words.executionText,
    href: paths.execution(id),
  };
}

export function noticeOfApproval({ execution, outcome, mayDecide }: ApprovalDetail): Notice | undefined {
  if (outcome !== null || !mayDecide) return;
  return {
    kind: "approval",
    key: `approval ${execution.id}`,
    tone: "idle",
    title: words.approval(execution.jobName, execution.number),
    text: words.approvalText(execution.requestedByName),
    href: paths.approval(execution.id),
  };
}

type SessionEvent = Extract<LiveEvent, { kind: "session" }>;

export function noticeOfSession(event: SessionEvent, wish: "all" | "new" | "never"): Notice | undefined {
  if (wish === "never" || (wish === "new" && !event.isNew)) return;
  const from = words.sessionText(browserOf(event.userAgent), event.address ?? "");
  return {
    kind: "session",
    key: `session ${event.sessionId}`,
    tone: event.isNew ? "bad" : "idle",
    title: words.session,
    text: event.isNew ? `${from}. ${words.sessionNew}` : from,
    href: paths.me(),
  };
}

/** Longer ago it is no news: the event is about something else, a label for instance. */
const freshMs = 15 * 60_000;

export function noticeOfAgent({ id, name, state, lastSeenAt }: Agent, nowMs: number): Notice | undefined {
  if (state !== "offline" || lastSeenAt === null || nowMs - Date.parse(lastSeenAt) > freshMs) return;
  const key = `agent ${id} ${lastSeenAt}`;
  return { kind: "agent", key, tone: "bad", title: words.agent(name), text: words.agentText, href: paths.agent(id) };
}

const lists: Record<NoticeKind, string> = {
  execution: paths.executions(),
  approval: paths.approvals(),
  session: paths.me(),
  agent: paths.agents({ state: "offline" }),
};

/** Several of one kind at once are one notice: a fleet that is cut off is one message, not five hundred. */
export function gathered(notices: readonly Notice[]): Notice[] {
  return [...Map.groupBy(notices, ({ kind }) => kind)].map(([kind, all]) => {
    const [first] = all;
    if (first === undefined || all.length === 1) return first!;
    const bad = all.filter(({ tone }) => tone === "bad").length;
    const title = {
      execution: words.executionsEnded,
      approval: words.approvalsMany,
      session: words.sessionsMany,
      agent: words.agentsMany,
    }[kind](all.length);
    const text = kind === "execution" ? words.executionsBad(bad) : kind === "agent" ? words.agentText : "";
    return { ...first, tone: bad > 0 ? "bad" : first.tone, title, text, href: lists[kind] };
  });
}

/** Somebody who looks at the page about it needs no word. */
export function isAbout(notice: Notice, pathname: string): boolean {
  return [notice.href, lists[notice.kind]].some((href) => href.split("?")[0] === pathname);
}
