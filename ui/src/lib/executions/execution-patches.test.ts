import { QueryClient } from "@tanstack/svelte-query";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Assignment, LiveEvent, Page, Step } from "../api/types.ts";
import { ExecutionPatches } from "./execution-patches.ts";

let client: QueryClient;
let patches: ExecutionPatches;
const topic = "executions:e";
const output = (storedBytes: number, more: object = {}): LiveEvent => ({
  ...{ kind: "output", topic, executionId: "e", assignmentId: "a", targetName: "web-1", stepId: "s", try: 2 },
  ...{ storedBytes, storedLines: storedBytes / 10, ...more },
});
const stateOf = (position: number, state: string) =>
  ({ kind: "step", topic, executionId: "e", assignmentId: "a", position, state }) as unknown as LiveEvent;
const step = () => client.getQueryData<Page<Step>>([...patches.stepsKey, ""])?.items[0];

beforeEach(() => {
  vi.useFakeTimers();
  client = new QueryClient();
  patches = new ExecutionPatches(client, () => "e");
  const tries = [1, 2].map((one) => ({ attempt: 1, try: one, storedBytes: 50, storedLines: 5 }));
  client.setQueryData([...patches.stepsKey, ""], { items: [{ assignmentId: "a", stepId: "s", tries }] });
  client.setQueryData(patches.assignmentsKey, { items: [{ id: "a", stepStates: ["pending", "pending"] }] });
});
afterEach(() => {
  patches.stop();
  client.clear();
  vi.useRealTimers();
});

describe("live events on the page of an execution", () => {
  it("keep the stored sizes of a running try fresh without a read", () => {
    patches.add(output(100));
    patches.add(output(200));
    vi.advanceTimersByTime(300);
    expect(step()?.tries.map((one) => [one.storedBytes, one.storedLines])).toEqual([
      [50, 5],
      [200, 20],
    ]);
  });

  it("never let a size shrink, and leave other steps alone", () => {
    patches.add(output(40));
    vi.advanceTimersByTime(300);
    patches.add(output(900, { stepId: "other" }));
    vi.advanceTimersByTime(300);
    expect(step()?.tries[1]?.storedBytes).toBe(50);
  });

  it("of agents lead to a read only when they contradict what is shown", () => {
    const agent = (id: string, state: string) =>
      ({ kind: "agent", topic: "agents", agent: { id, state } }) as LiveEvent;
    const isStale = () => client.getQueryState(patches.assignmentsKey)?.isInvalidated;
    client.setQueryData(patches.assignmentsKey, {
      items: [
        { id: "a", agentId: "x", finishedAt: null, unreachable: false },
        { id: "b", agentId: "y", finishedAt: "2026-11-23T00:00:00Z", unreachable: false },
      ],
    });
    for (const event of [agent("x", "online"), agent("y", "offline"), agent("z", "offline")]) patches.add(event);
    vi.advanceTimersByTime(300);
    expect(isStale()).toBe(false);
    patches.add(agent("x", "offline"));
    vi.advanceTimersByTime(300);
    expect(isStale()).toBe(true);
  });

  it("are gathered: all that came within a moment is one change", () => {
    let writes = 0;
    client.getQueryCache().subscribe((event) => {
      if (event.type === "updated" && event.action.type === "success") writes += 1;
    });
    patches.add(stateOf(0, "succeeded"));
    patches.add(stateOf(1, "running"));
    vi.advanceTimersByTime(300);
    const [assignment] = client.getQueryData<Page<Assignment>>(patches.assignmentsKey)?.items ?? [];
    expect(assignment?.stepStates).toEqual(["succeeded", "running"]);
    expect(writes).toBe(1);
  });
});
