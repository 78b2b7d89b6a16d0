import { expect, test } from "vitest";
import { MemoryBudget, ReadGate } from "./memory-budget.ts";

function stream() {
  const calls: string[] = [];
  return { calls, pause: () => calls.push("pause"), resume: () => calls.push("resume") };
}

test("a stream held for two reasons goes on when both are gone", () => {
  const s = stream();
  const gate = new ReadGate(s);
  gate.hold("batch");
  gate.hold("memory");
  gate.release("batch");
  expect(s.calls).toEqual(["pause"]);
  gate.release("memory");
  gate.release("memory");
  expect(s.calls).toEqual(["pause", "resume"]);
});

test("the stream that crosses the sum is held until half of it is free", () => {
  const budget = new MemoryBudget(100);
  const [a, b] = [stream(), stream()];
  const shareA = budget.share(new ReadGate(a));
  const shareB = budget.share(new ReadGate(b));
  shareA(80);
  shareB(30);
  expect([a.calls, b.calls]).toEqual([[], ["pause"]]);
  shareA(40);
  expect(b.calls).toEqual(["pause"]);
  shareA(0);
  expect(b.calls).toEqual(["pause", "resume"]);
});
