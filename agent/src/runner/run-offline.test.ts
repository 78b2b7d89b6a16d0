import { until } from "@opsconductor/contract/testing/until";
import { pino } from "pino";
import { expect, test, vi } from "vitest";
import { runOffline } from "./run-offline.ts";
import { jobOf } from "./testing/host-bench.ts";

vi.setConfig({ testTimeout: 30_000 });

function offline(yaml: string, inputs: string[] = [], signal = new AbortController().signal) {
  const told: string[] = [];
  const succeeded = runOffline({
    ...{ definition: Buffer.from(jobOf(yaml)), inputs, environment: process.env, policyPath: "/nonexistent/policy" },
    ...{ log: pino({ level: "silent" }), signal },
    writeOutput: (bytes) => told.push(Buffer.from(bytes).toString()),
    writeLine: (line) => told.push(`${line}\n`),
  });
  return { succeeded, text: () => told.join("") };
}

test("a job runs without a controller, and tells its steps and output in order", async () => {
  const yaml = `inputs: { n: { type: integer, required: true }, names: { type: list, default: [] } }
steps:
  - { id: a, run: "seq 1 $INPUT_N; echo $INPUT_NAMES" }
  - { id: b, if: "inputs.n > 5", run: "echo never" }
  - { id: c, run: "echo bad; exit 3" }`;
  const { succeeded, text } = offline(yaml, ["n=2", "names=x,y"]);
  expect(await succeeded).toBe(false);
  const skipped = "── b skipped: its condition is false";
  expect(text()).toBe(`── a\n1\n2\nx y\n${skipped}\n── c\nbad\n── c failed\n── failed: step c failed: exit code 3\n`);
});

test("what cannot run is said, and interrupting cancels", async () => {
  const { succeeded, text } = offline("steps: [ { id: a, run: 'true' } ]", ["x=1"]);
  expect(await succeeded).toBe(false);
  expect(text()).toMatch(/^denied \(invalid_definition\): the job has no inputs/);
  const interrupt = new AbortController();
  const long = offline("steps: [ { id: a, run: 'echo up; sleep 100' } ]", [], interrupt.signal);
  await until("the step", () => long.text().includes("up"));
  interrupt.abort();
  expect(await long.succeeded).toBe(false);
  expect(long.text()).toMatch(/── cancelled: interrupted\n$/);
});
