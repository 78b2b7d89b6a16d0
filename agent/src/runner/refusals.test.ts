import { existsSync, writeFileSync } from "node:fs";
import { until } from "@opsconductor/contract/testing/until";
import { expect, test, vi } from "vitest";
import { HostBench } from "./testing/host-bench.ts";

vi.setConfig({ testTimeout: 30_000 });
const quick = "steps: [ { id: a, run: 'true' } ]";

test("a policy that this agent cannot read denies everything, at the offer and at the start", async () => {
  const bench = new HostBench();
  const held = bench.run(quick, { releaseThroughStep: -1 });
  await until("the hold", () => bench.eventsOf(held, "held")[0]);
  bench.host.close();
  writeFileSync(bench.path("policy.yaml"), "mode: enforce\n");
  bench.open();
  const [denied] = bench.events(bench.run(quick));
  expect(denied).toMatchObject({ kind: "denied", code: "policy", reason: expect.stringMatching(/policy\.yaml/) });
  bench.desire(held, "run");
  expect((await bench.outcome(held)).reason).toMatch(/denied by this host's policy/);
  await bench.close();
});

test("with too little space no work is taken, and the host says so", async () => {
  const bench = new HostBench({ settings: { minFreeBytes: Number.MAX_SAFE_INTEGER } });
  const fence = bench.run(quick);
  expect(bench.events(fence)).toEqual([]);
  expect(bench.host.degraded()).toMatch(/^Only \d+ MiB are free/);
  await bench.close();
});

test("more attempts than may run at once wait accepted, and get their turn", async () => {
  const bench = new HostBench({ settings: { maxRunning: 2 } });
  const gate = bench.path("gate");
  const fences = Array.from({ length: 5 }, () =>
    bench.run(`steps: [ { id: a, run: "while [ ! -e ${gate} ]; do sleep 0.01; done" } ]`),
  );
  await until("two running", () => bench.eventsOf(fences[1]!, "tryStarted")[0]);
  expect(fences.map((fence) => bench.events(fence)[0]?.kind)).toEqual(Array(5).fill("accepted"));
  expect(bench.host.vitals().runningAttempts).toBe(2);
  expect(fences.flatMap((fence) => bench.eventsOf(fence, "tryStarting"))).toHaveLength(2);
  bench.desire(fences[4]!, "cancel");
  expect((await bench.outcome(fences[4]!)).state).toBe("cancelled");
  writeFileSync(gate, "");
  for (const fence of fences.slice(0, 4)) expect((await bench.outcome(fence)).state).toBe("succeeded");
  await bench.close();
});

test("a newer attempt of an assignment waits for the older one that still runs", async () => {
  const bench = new HostBench();
  const gate = bench.path("gate");
  const assignment = { assignmentId: "same" };
  const first = bench.run(`steps: [ { id: a, run: "while [ ! -e ${gate} ]; do sleep 0.01; done" } ]`, assignment);
  const second = bench.run(quick, { ...assignment, attempt: 2 });
  await until("the first", () => bench.eventsOf(first, "tryStarted")[0]);
  expect(bench.events(second).map((e) => e.kind)).toEqual(["accepted"]);
  writeFileSync(gate, "");
  expect((await bench.outcome(second)).state).toBe("succeeded");
  expect(existsSync(gate)).toBe(true);
  await bench.close();
});
