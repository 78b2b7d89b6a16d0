import { afterAll, expect, test, vi } from "vitest";
import { HostBench } from "./testing/host-bench.ts";

vi.setConfig({ testTimeout: 30_000 });
const bench = new HostBench();
afterAll(() => bench.close());

test("a step runs, and its story is told in order", async () => {
  const fence = bench.run("steps:\n  - id: hello\n    run: echo hello; exit 0");
  expect(await bench.outcome(fence)).toEqual({ state: "succeeded", reason: "" });
  expect(bench.events(fence).map((e) => e.kind)).toEqual([
    "accepted",
    "tryStarting",
    "tryStarted",
    "tryFinished",
    "stepFinished",
    "finished",
  ]);
  expect((await bench.output(fence, "hello")).toString()).toBe("hello\n");
});
