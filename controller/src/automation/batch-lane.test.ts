import { expect, test } from "vitest";
import { createLane } from "./batch-lane.ts";

/** A lane whose batches are recorded and end when the test says so. */
function heldLane(run?: (batch: string[]) => (string | Error)[]) {
  const batches: string[][] = [];
  const gates: PromiseWithResolvers<void>[] = [];
  const lane = createLane<string, string>({
    weigh: (entry) => entry.length,
    maxWeight: 10,
    isContentError: (error) => (error as Error).message === "content",
    ...{ lingerMs: 0, fullWeight: 0, isUrgent: () => true },
    async run(entries) {
      batches.push(entries);
      const gate = Promise.withResolvers<void>();
      gates.push(gate);
      await gate.promise;
      return run ? run(entries) : entries.map((e) => e.toUpperCase());
    },
  });
  const open = async (n: number) => {
    await expect.poll(() => gates.length).toBeGreaterThan(n);
    gates[n]!.resolve();
  };
  /** Pushes an entry that goes alone, so that what is pushed next waits behind it. */
  const begin = async (entry: string) => {
    const result = lane.push(entry);
    await expect.poll(() => batches.length).toBe(1);
    return { result };
  };
  return { lane, batches, open, begin };
}

test("what is pushed in one turn goes together, and what arrives meanwhile forms the next batch", async () => {
  const { lane, batches, open } = heldLane();
  const first = ["a", "b"].map((e) => lane.push(e));
  await expect.poll(() => batches).toEqual([["a", "b"]]);
  const next = ["c", "d"].map((e) => lane.push(e));
  await open(0);
  await open(1);
  expect(await Promise.all([...first, ...next])).toEqual(["A", "B", "C", "D"]);
  expect(batches).toEqual([
    ["a", "b"],
    ["c", "d"],
  ]);
});

test("a batch ends at its weight, and takes one entry however heavy", async () => {
  const { lane, batches, open } = heldLane();
  const results = ["12345", "67890", "1", "a very heavy entry"].map((e) => lane.push(e));
  for (const n of [0, 1, 2]) await open(n);
  await Promise.all(results);
  expect(batches).toEqual([["12345", "67890"], ["1"], ["a very heavy entry"]]);
});

test("an error in a result rejects that entry alone", async () => {
  const { lane, open, begin } = heldLane((batch) => batch.map((e) => (e === "bad" ? new Error("stale") : e)));
  const { result: first } = await begin("x");
  const [bad, good] = [lane.push("bad"), lane.push("good")];
  await open(0);
  await open(1);
  await Promise.all([first, expect(bad).rejects.toThrow("stale"), expect(good).resolves.toBe("good")]);
});

test("a batch that fails by its content is tried entry by entry; any other failure fails all of it", async () => {
  for (const [message, survivors] of [
    ["content", ["good"]],
    ["database gone", []],
  ] as const) {
    const { lane, open, begin } = heldLane((batch) => {
      if (batch.includes("bad")) throw new Error(message);
      return batch;
    });
    const { result: first } = await begin("x");
    const both = ["bad", "good"].map((e) => lane.push(e));
    void (async () => {
      for (let n = 0; n < (message === "content" ? 4 : 2); n++) await open(n);
    })();
    await first;
    const settled = await Promise.allSettled(both);
    expect(settled.flatMap((s) => (s.status === "fulfilled" ? [s.value] : []))).toEqual(survivors);
    await lane.idle();
  }
});

test("what is not urgent waits for company; urgent or heavy company ends the wait", async () => {
  const batches: string[][] = [];
  const lane = createLane<string, string>({
    weigh: (entry) => entry.length,
    maxWeight: 1000,
    fullWeight: 20,
    lingerMs: 60_000,
    isUrgent: (entry) => entry.startsWith("!"),
    isContentError: () => false,
    async run(entries) {
      batches.push(entries);
      return entries;
    },
  });
  await Promise.all(["a", "b", "!c"].map((e) => lane.push(e)));
  expect(batches).toEqual([["a", "b", "!c"]]);
  await Promise.all(["light", "quite a heavy entry"].map((e) => lane.push(e)));
  expect(batches[1]).toEqual(["light", "quite a heavy entry"]);
});

test("an entry that becomes urgent while the lane is busy goes with the next batch", async () => {
  let urgent = "";
  const gate = Promise.withResolvers<void>();
  const lane = createLane<string, string>({
    ...{ weigh: () => 1, maxWeight: 1000, fullWeight: 1000, lingerMs: 60_000, isContentError: () => false },
    isUrgent: (entry) => entry === "first" || entry === urgent,
    async run(entries) {
      await gate.promise;
      return entries;
    },
  });
  const both = [lane.push("first"), lane.push("second")];
  urgent = "second";
  gate.resolve();
  expect(await Promise.all(both)).toEqual(["first", "second"]);
});
