import { describe, expect, it } from "vitest";
import type { TimelineEntry } from "../api/types.ts";
import { happeningsOf } from "./happenings.ts";

let made = 0;
const entry = (
  kind: TimelineEntry["kind"],
  second: number,
  targetName: string | null = null,
  detail: Record<string, unknown> = {},
): TimelineEntry => ({
  ...{ id: `e${++made}`, kind, targetName, detail, assignmentId: null },
  at: new Date(Date.UTC(2026, 10, 23, 8, 0, second)).toISOString(),
});

describe("what happened, in lines", () => {
  it("says the same thing on many targets within seconds once", () => {
    const lines = happeningsOf([
      entry("agent.reconnected", 42, "web-2", { controllerChanged: true, awaySince: "2026-11-23T08:00:12.000Z" }),
      entry("agent.reconnected", 40, "web-1", { controllerChanged: true }),
      entry("agent.reconnected", 39, "web-3", { controllerChanged: true, agentRestarted: true }),
      entry("agent.disconnected", 11, "web-1", { reason: "the connection was lost" }),
    ]);
    expect(lines.map((line) => [line.title, line.details.join(", "), line.said])).toEqual([
      ["2 targets connected again", "the controller was restarted", ""],
      ["web-3 connected again", "the agent was restarted, the controller was restarted", ""],
      ["Connection to web-1 lost", "", "the connection was lost"],
    ]);
  });

  it("keeps apart what one target went through twice, and what lies further apart", () => {
    const twice = [entry("agent.disconnected", 5, "a"), entry("agent.disconnected", 3, "a")];
    const far = [entry("agent.disconnected", 50, "a"), entry("agent.disconnected", 3, "b")];
    expect([happeningsOf(twice).length, happeningsOf(far).length]).toEqual([2, 2]);
  });

  it("tells who, how long, how much and of which process", () => {
    const lines = happeningsOf([
      entry("execution.finished", 59, null, { state: "failed" }),
      entry("step.adopted", 30, "web-1", { stepId: "copy", pid: 4711 }),
      entry("agent.reconnected", 20, "web-1", {
        awaySince: "2026-11-23T08:00:05.000Z",
        agentRestarted: true,
        hostRebooted: true,
      }),
      entry("output.gap", 10, "web-1", { stepId: "copy", omittedBytes: 2048 }),
      entry("cancel.requested", 5, null, { by: "ana", reason: "wrong hosts", asked: 2, ended: 1 }),
    ]);
    expect(lines.map((line) => `${line.title} | ${line.details.join(", ")} | ${line.said}`)).toEqual([
      "Ended: failed |  | ",
      "The restarted agent went on with the step on web-1 | step copy, same process 4711 | ",
      "web-1 connected again | the host was restarted, away for 15 s | ",
      "Output of web-1 has a gap | step copy, 2 KiB left out | ",
      "Cancel requested | by ana, 2 targets asked to stop, 1 had not started | wrong hosts",
    ]);
  });
});
