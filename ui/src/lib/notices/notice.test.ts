import { expect, test } from "vitest";
import type { Agent, ApprovalDetail, Execution } from "../api/types.ts";
import { gathered, isAbout, noticeOfAgent, noticeOfApproval, noticeOfExecution, noticeOfSession } from "./notice.ts";

const execution = (state: string, id = "e1") => ({ id, number: 7, jobName: "deploy", state }) as Execution;

test.each([
  ["succeeded", "all", "ok"],
  ["failed", "all", "bad"],
  ["cancelled", "all", "idle"],
  ["running", "all", undefined],
  ["succeeded", "failures", undefined],
  ["cancelled", "failures", undefined],
  ["failed", "failures", "bad"],
  ["failed", "never", undefined],
] as const)("an execution that is %s, of which %s is wanted, is told as %s", (state, wish, tone) =>
  expect(noticeOfExecution(execution(state), wish)?.tone).toBe(tone),
);

test("an approval is told while it waits and only to who may decide", () => {
  const asked = (more: object) =>
    noticeOfApproval({
      execution: { ...execution("awaiting_approval"), requestedByName: "ben" },
      outcome: null,
      mayDecide: true,
      ...more,
    } as ApprovalDetail);
  expect(asked({})).toMatchObject({ title: "deploy #7 waits for approval", href: "/approvals/e1" });
  expect([asked({ mayDecide: false }), asked({ outcome: "approved" })]).toEqual([undefined, undefined]);
});

test("a sign-in is told with where it came from, and from a known place only on request", () => {
  const event = {
    kind: "session",
    topic: "me",
    sessionId: "s1",
    at: "2026-11-23T02:14:07Z",
    address: "203.0.113.9",
    userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    isNew: false,
  } as const;
  expect(noticeOfSession(event, "new")).toBeUndefined();
  expect(noticeOfSession(event, "all")?.text).toBe("Firefox, Linux, from 203.0.113.9");
  expect(noticeOfSession({ ...event, isNew: true }, "new")).toMatchObject({ tone: "bad", href: "/me" });
  expect(noticeOfSession({ ...event, isNew: true }, "never")).toBeUndefined();
});

test("an agent is told when it went offline, not when something else about it changes later", () => {
  const agent = { id: "a1", name: "web-1", state: "offline", lastSeenAt: "2026-11-23T02:14:07Z" } as Agent;
  const seen = Date.parse("2026-11-23T02:14:07Z");
  expect(noticeOfAgent(agent, seen + 30_000)?.title).toBe("web-1 is offline");
  expect(noticeOfAgent(agent, seen + 3_600_000)).toBeUndefined();
  expect(noticeOfAgent({ ...agent, state: "online" }, seen)).toBeUndefined();
});

test("what comes together is one notice of each kind", () => {
  const ended = ["succeeded", "failed", "succeeded"].map(
    (state, i) => noticeOfExecution(execution(state, `e${i}`), "all")!,
  );
  const agent = noticeOfAgent(
    { id: "a", name: "web-1", state: "offline", lastSeenAt: "2026-11-23T02:14:07Z" } as Agent,
    0,
  )!;
  expect(gathered([...ended, agent])).toMatchObject([
    {
      title: "3 executions that you started ended",
      text: "1 execution did not succeed.",
      tone: "bad",
      href: "/executions",
    },
    { title: "web-1 is offline" },
  ]);
});

test("the page about it, and the list it is in, need no word", () => {
  const notice = noticeOfExecution(execution("failed"), "all")!;
  expect(["/executions/e1", "/executions", "/executions/e2", "/"].map((path) => isAbout(notice, path))).toEqual([
    true,
    true,
    false,
    false,
  ]);
});
