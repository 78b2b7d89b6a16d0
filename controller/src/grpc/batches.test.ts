import { expect, test } from "vitest";
import { Batches } from "./batches.ts";

const limits = { maxBytes: 100, maxItems: 10, maxCommits: 1, pauseBytes: 50, pauseItems: 1000 };

function setUp(over: Partial<typeof limits> = {}) {
  const commits: { batch: number[]; done: () => void; fail: (e: Error) => void }[] = [];
  const pressures: boolean[] = [];
  const errors: unknown[] = [];
  const batches = new Batches<number>(
    { ...limits, ...over },
    {
      commit: (batch) => new Promise((done, fail) => commits.push({ batch, done, fail })),
      pressure: (p) => pressures.push(p),
      error: (e) => errors.push(e),
    },
  );
  return { batches, commits, pressures, errors };
}
const turn = () => new Promise((resolve) => setImmediate(resolve));

test("what arrives during a commit becomes the next one", async () => {
  const { batches, commits } = setUp();
  batches.start();
  for (const n of [1, 2, 3]) batches.push(n, 1);
  expect(commits.map((c) => c.batch)).toEqual([[1]]);
  commits[0]!.done();
  await turn();
  expect(commits.map((c) => c.batch)).toEqual([[1], [2, 3]]);
});

test("nothing is committed before the start", async () => {
  const { batches, commits } = setUp();
  batches.push(1, 1);
  batches.push(2, 1);
  await turn();
  expect(commits).toEqual([]);
  batches.start();
  expect(commits.map((c) => c.batch)).toEqual([[1, 2]]);
});

test("a batch ends at its bytes or its items, and a single large item still goes", async () => {
  const { batches, commits } = setUp({ maxItems: 3 });
  for (const bytes of [500, 60, 50, 1, 1, 1]) batches.push(bytes, bytes);
  batches.start();
  for (let i = 0; i < 4; i++) {
    commits[i]?.done();
    await turn();
  }
  expect(commits.map((c) => c.batch)).toEqual([[500], [60], [50, 1, 1], [1]]);
});

test("pressure begins above the limit and ends at half of it", async () => {
  const { batches, commits, pressures } = setUp({ maxItems: 1 });
  batches.start();
  for (let i = 0; i < 7; i++) batches.push(i, 10);
  expect(pressures).toEqual([true]);
  for (let i = 0; i < 5; i++) {
    commits[i]!.done();
    await turn();
  }
  expect(pressures).toEqual([true, false]);
});

test("a failed commit is told once and nothing follows it", async () => {
  const { batches, commits, errors } = setUp();
  batches.start();
  batches.push(1, 1);
  batches.push(2, 1);
  commits[0]!.fail(new Error("database away"));
  await turn();
  batches.push(3, 1);
  await turn();
  expect(errors).toHaveLength(1);
  expect(commits).toHaveLength(1);
  expect(batches.heldBytes).toBe(0);
});

test("several commits may be under way, begun in order, and their bytes are held until each is done", async () => {
  const { batches, commits } = setUp({ maxCommits: 2 });
  batches.start();
  for (const n of [1, 2, 3, 4]) batches.push(n, 10);
  expect(commits.map((c) => c.batch)).toEqual([[1], [2]]);
  expect(batches.heldBytes).toBe(40);
  commits[0]!.done();
  await turn();
  expect(commits.map((c) => c.batch)).toEqual([[1], [2], [3, 4]]);
  expect(batches.heldBytes).toBe(30);
});

test("of several commits that fail, the first is told", async () => {
  const { batches, commits, errors } = setUp({ maxCommits: 2 });
  batches.start();
  for (const n of [1, 2]) batches.push(n, 1);
  for (const c of commits) c.fail(new Error(`commit ${c.batch}`));
  await turn();
  expect(errors).toEqual([new Error("commit 1")]);
});
