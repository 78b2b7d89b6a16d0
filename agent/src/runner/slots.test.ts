import { expect, test } from "vitest";
import { Slots } from "./slots.ts";

const granted: string[] = [];
function wait(slots: Slots, id: string): () => void {
  const slot = slots.take(id);
  if (slot === true) throw new Error(`${id} did not have to wait`);
  void slot.granted.then(() => granted.push(id));
  return slot.leave;
}

test("slots are given in the order of asking, and never two to one assignment", async () => {
  granted.length = 0;
  const slots = new Slots(2);
  expect([slots.take("a"), slots.take("b")]).toEqual([true, true]);
  wait(slots, "a");
  wait(slots, "c");
  wait(slots, "d");
  slots.release("b");
  await Promise.resolve();
  expect(granted).toEqual(["c"]);
  slots.release("a");
  await Promise.resolve();
  expect(granted).toEqual(["c", "a"]);
  expect(slots.taken).toBe(2);
});

test("who leaves gives up its place, also when the grant was on its way", async () => {
  granted.length = 0;
  const slots = new Slots(1);
  slots.take("a");
  const leaveB = wait(slots, "b");
  wait(slots, "c");
  slots.release("a");
  leaveB();
  await Promise.resolve();
  expect(granted).toContain("c");
  expect(slots.taken).toBe(1);
});
