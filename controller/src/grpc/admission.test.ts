import { expect, test } from "vitest";
import { Admission } from "./admission.ts";

function gates(admission: Admission) {
  const open: (() => void)[] = [];
  const done: Promise<void>[] = [];
  const come = () => done.push(admission.run(() => new Promise<void>((resolve) => open.push(resolve))));
  return { open, done, come };
}

test("so many hellos are in work at once, the next in line begins when one is done", async () => {
  const { open, done, come } = gates(new Admission({ atOnce: 2, mostWaiting: 10 }));
  for (let i = 0; i < 4; i++) come();
  await Promise.resolve();
  expect(open).toHaveLength(2);
  open[0]!();
  await done[0];
  await expect.poll(() => open.length).toBe(3);
  for (const release of open) release();
  await expect.poll(() => open.length).toBe(4);
  open[3]!();
  await Promise.all(done);
});

test("who finds the line full is told when to come back, spread over one to ten seconds; a place is free again later", async () => {
  const random = [0, 0.5, 1];
  const admission = new Admission({ atOnce: 1, mostWaiting: 1 }, () => random.shift()!);
  const { open, done, come } = gates(admission);
  expect(admission.full()).toBeUndefined();
  come();
  come();
  expect([admission.full(), admission.full(), admission.full()]).toEqual([1_000, 5_500, 10_000]);
  await expect.poll(() => open.length).toBe(1);
  open[0]!();
  await expect.poll(() => open.length).toBe(2);
  expect(admission.full()).toBeUndefined();
  open[1]!();
  await Promise.all(done);
});

test("a hello that fails gives its place back", async () => {
  const admission = new Admission({ atOnce: 1, mostWaiting: 1 });
  await expect(admission.run(() => Promise.reject(new Error("no database")))).rejects.toThrow("no database");
  expect(await admission.run(async () => "next")).toBe("next");
});
