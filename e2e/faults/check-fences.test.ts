import { expect, test } from "vitest";
import { checkFences } from "./check-fences.ts";
import type { AgentWrite } from "./writes.ts";

const write = (id: number, changes: Partial<AgentWrite> = {}): AgentWrite => ({
  ...{ id, at: new Date(id), agent: "a", what: "events", epoch: 1n, controller: "c1" },
  ...{ writer: "opsconductor c1", fenced: true, ...changes },
});
const wrongs = (...writes: AgentWrite[]) => checkFences(writes).map((v) => v.what);

test("writes of one controller after another, each behind the fence, are right", () => {
  const taken = { epoch: 2n, controller: "c2", writer: "opsconductor c2" };
  expect(wrongs(write(1), write(2), write(3, taken), write(4, { agent: "b" }))).toEqual([]);
});

test("a write without the lock is found", () => {
  expect(wrongs(write(1, { fenced: false }))).toEqual(["did not lock the session's row"]);
});

test("a write of a controller that has lost the session is found", () => {
  expect(wrongs(write(1, { controller: "c2", epoch: 2n }))).toEqual([
    "was made by opsconductor c1, and the session belongs to c2",
  ]);
});

test("a write while nobody holds the session is found", () => {
  expect(wrongs(write(1, { controller: null }))).toEqual(["happened while the agent had no session"]);
});

test("a write of an older epoch after one of a newer is found", () => {
  expect(wrongs(write(1, { epoch: 2n }), write(2))).toEqual(["happened after one of a newer epoch"]);
});
