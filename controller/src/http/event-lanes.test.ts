import type { LiveEvent } from "@opsconductor/contract/api/events";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { EventLanes } from "./event-lanes.ts";

const agent = (id: string, n = 0) =>
  ({ kind: "agent", topic: "agents", agent: { id, revision: n } }) as unknown as LiveEvent;
const changed = (id: string): LiveEvent => ({ kind: "changed", topic: "jobs", ids: [id] });

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function setup() {
  const sent: [string, LiveEvent][] = [];
  return { sent, lanes: new EventLanes("0", (id, event) => sent.push([id, event])) };
}

test("the first event after a pause goes out at once", () => {
  const { sent, lanes } = setup();
  lanes.push("1", agent("a"));
  expect(sent).toEqual([["1", agent("a")]]);
});

test("a burst about one agent becomes two messages, the first and the newest", () => {
  const { sent, lanes } = setup();
  for (let n = 1; n <= 100; n++) lanes.push(String(n), agent("a", n));
  vi.advanceTimersByTime(250);
  expect(sent).toEqual([
    ["1", agent("a", 1)],
    ["100", agent("a", 100)],
  ]);
});

test("a second of changing agents is at most four batches beside the first", () => {
  const { sent, lanes } = setup();
  for (let n = 1; n <= 1000; n++) {
    lanes.push(String(n), agent(`a${n % 50}`, n));
    vi.advanceTimersByTime(1);
  }
  vi.advanceTimersByTime(250);
  expect(sent.length).toBeLessThanOrEqual(1 + 4 * 50);
});

test("while agents wait, other events go on but do not move the resume point past them", () => {
  const { sent, lanes } = setup();
  lanes.push("1", agent("a"));
  lanes.push("2", agent("b"));
  lanes.push("3", changed("x"));
  expect(sent.at(-1)).toEqual(["1", changed("x")]);
  vi.advanceTimersByTime(250);
  expect(sent.at(-1)).toEqual(["3", agent("b")]);
});

test("events about different things are all kept", () => {
  const { sent, lanes } = setup();
  for (const id of ["x", "y", "z", "y"]) lanes.push(id, changed(id));
  vi.advanceTimersByTime(80);
  expect(sent.map(([, e]) => (e as { ids: string[] }).ids[0])).toEqual(["x", "z", "y"]);
});

test("after close nothing is sent", () => {
  const { sent, lanes } = setup();
  lanes.push("1", agent("a"));
  lanes.push("2", agent("b"));
  lanes.close();
  vi.advanceTimersByTime(1000);
  expect(sent).toHaveLength(1);
});
