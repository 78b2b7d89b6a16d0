import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { until } from "@opsconductor/contract/testing/until";
import { afterAll, afterEach, expect, test, vi } from "vitest";
import { HostBench, jobOf } from "./testing/host-bench.ts";

vi.setConfig({ testTimeout: 30_000 });
const bench = new HostBench({ settings: { graceMs: 300, drainMs: 100 } });
afterAll(() => bench.close());

/** A step that says it runs, and goes on when the returned function is called. */
function gate(name: string): { wait: string; open: () => void } {
  const path = bench.path(`gate-${name}`);
  return { wait: `while [ ! -e ${path} ]; do sleep 0.01; done`, open: () => writeFileSync(path, "") };
}

const started = (fence: bigint, stepId: string) =>
  until(`start of ${stepId}`, () => bench.eventsOf(fence, "tryStarted").find((e) => e.stepId === stepId));

test("a step runs, and its story is told in order", async () => {
  const fence = bench.run("steps:\n  - id: hello\n    run: echo hello");
  expect(await bench.outcome(fence)).toEqual({ state: "succeeded", reason: "" });
  const kinds = ["accepted", "tryStarting", "tryStarted", "tryFinished", "stepFinished", "finished"];
  expect(bench.events(fence).map((e) => e.kind)).toEqual(kinds);
  expect(bench.eventsOf(fence, "tryFinished")).toMatchObject([
    { state: "succeeded", exitCode: 0, signal: "", reason: "", outputBytes: 6n, rawBytes: 6n, gaps: [] },
  ]);
  expect((await bench.output(fence, "hello")).toString()).toBe("hello\n");
});

test("an argv step is started without a shell, and a missing program fails before anything starts", async () => {
  const fence = bench.run(
    `inputs: { text: { type: string, required: true } }
steps:
  - { id: a, run: ["printf", "%s|", "$HOME *", "\${{ inputs.text }}"] }
  - { id: b, run: ["no-such-program", "x"], continueOnError: true }
  - { id: c, run: "echo x", shell: pwsh, retry: { max: 3 } }`,
    { inputsJson: Buffer.from(JSON.stringify({ text: "; rm '$(x)" })) },
  );
  const reason = expect.stringMatching(/^step c failed: pwsh is not installed on this host/);
  expect(await bench.outcome(fence)).toEqual({ state: "failed", reason });
  expect((await bench.output(fence, "a")).toString()).toBe("$HOME *|; rm '$(x)|");
  expect(bench.states(fence)).toEqual({ a: "succeeded", b: "failed", c: "failed" });
  expect(bench.eventsOf(fence, "tryStarting").map((e) => e.stepId)).toEqual(["a"]);
});

test("each interpreter that is installed runs its script from a file", async () => {
  const fence = bench.run(`steps:
  - { id: sh, run: "echo sh $0 | grep -c script" }
  - { id: bash, shell: bash, run: "set -o | grep -c 'pipefail.*on'; [[ a == a ]]" }
  - { id: python, shell: python, run: "import sys; print('py', len(sys.argv))" }
  - { id: node, shell: node, run: "import('node:os').then(() => console.log('node', typeof require))" }`);
  expect(await bench.outcome(fence)).toEqual({ state: "succeeded", reason: "" });
  const texts = await Promise.all(["sh", "bash", "python", "node"].map((id) => bench.output(fence, id)));
  expect(texts.map(String)).toEqual(["1\n", "1\n", "py 1\n", "node function\n"]);
});

test("a script stops at its first failing command; in bash also inside a pipe", async () => {
  const fence = bench.run(`steps:
  - { id: a, run: "false\\necho never", continueOnError: true }
  - { id: b, shell: bash, run: "false | cat\\necho never", continueOnError: true }`);
  await bench.outcome(fence);
  expect(bench.states(fence)).toEqual({ a: "failed", b: "failed" });
  expect(bench.eventsOf(fence, "tryFinished").map((e) => e.rawBytes)).toEqual([0n, 0n]);
});

test("inputs, given names and the job's environment reach the step; dangerous names and the agent's own do not", async () => {
  process.env.OC_AGENT_SECRET = "x";
  const fence = bench.run(
    jobOf(
      `inputs: { keep_days: { type: integer, default: 14 }, names: { type: list, default: [a, b c] } }
env: { LOG_DIR: "/var/\${{ target.name }}", BASH_ENV: /evil, LD_PRELOAD: /evil.so, NODE_OPTIONS: --evil, PYTHONPATH: /evil }
steps:
  - { id: env, env: { STEP: "\${{ inputs.keep_days * 2 }}" }, run: env }`,
    ),
  );
  await bench.outcome(fence);
  delete process.env.OC_AGENT_SECRET;
  const lines = (await bench.output(fence, "env")).toString();
  const expected = [
    "INPUT_KEEP_DAYS=14",
    "INPUT_NAMES=a\nb c",
    "LOG_DIR=/var/web-1",
    "STEP=28",
    "OC_ATTEMPT=1",
    "OC_TRY=1",
    `OC_FENCE=${fence}`,
  ];
  const given = [`OC_IDEMPOTENCY_KEY=assignment-${fence}/env`, "OC_EXECUTION_ID=execution-1", "OC_STEP_ID=env"];
  for (const line of [...expected, ...given, "OC_TARGET_NAME=web-1"]) expect(`\n${lines}`).toContain(`\n${line}\n`);
  expect(lines).not.toMatch(/evil|OC_AGENT_SECRET|OC_SUPERVISOR|OC_STEP_PATH/);
});

test("outputs of a step reach the steps after it", async () => {
  const fence = bench.run(`steps:
  - id: a
    run: |
      echo "used=42%" >> "$OC_OUTPUT"
      printf 'text<<END\\nline 1\\nline 2\\nEND\\n' >> "$OC_OUTPUT"
  - { id: b, if: 'steps.a.outputs.used == "42%"', run: ["echo", "\${{ steps.a.outputs.text }}"] }
  - { id: c, if: 'steps.a.outputs.used == "0%"', run: "echo never" }
  - { id: d, run: "echo 'no equals sign' >> $OC_OUTPUT", continueOnError: true }
  - { id: e, if: "steps.d.outputs.missing == 'x'", run: "echo never" }`);
  expect((await bench.outcome(fence)).reason).toMatch(/^step e failed: .*missing/);
  expect(bench.outputsOf(fence, "a")).toEqual({ used: "42%", text: "line 1\nline 2" });
  expect((await bench.output(fence, "b")).toString()).toBe("line 1\nline 2\n");
  expect(bench.states(fence)).toEqual({ a: "succeeded", b: "succeeded", c: "skipped", d: "failed", e: "failed" });
  const [, , d] = bench.eventsOf(fence, "tryFinished");
  expect(d!.reason).toMatch(/\$OC_OUTPUT cannot be read: line 1/);
});

test("after a failure the rest is skipped, onFailure and finally run, and conditions see how it went", async () => {
  const fence = bench.run(`steps:
  - { id: ok, run: "true" }
  - { id: bad, run: "exit 3" }
  - { id: skipped, run: "true" }
  - { id: wanted, if: failure(), run: "echo wanted" }
onFailure: [ { id: repair, run: "exit 1" }, { id: repair2, run: "true" } ]
finally: [ { id: clean, run: "true" }, { id: unless, if: success(), run: "true" } ]`);
  expect(await bench.outcome(fence)).toEqual({ state: "failed", reason: "step bad failed: exit code 3" });
  expect(bench.states(fence)).toEqual({
    ...{ ok: "succeeded", bad: "failed", skipped: "skipped", wanted: "succeeded" },
    ...{ repair: "failed", repair2: "succeeded", clean: "succeeded", unless: "skipped" },
  });
});

test("a failure in finally fails the attempt; continueOnError fails nothing; onFailure is skipped without a failure", async () => {
  const fence = bench.run(`steps: [ { id: a, run: "false", continueOnError: true }, { id: b, run: "true" } ]
onFailure: [ { id: c, run: "true" } ]
finally: [ { id: d, run: "false" } ]`);
  expect(await bench.outcome(fence)).toEqual({ state: "failed", reason: "step d failed: exit code 1" });
  expect(bench.states(fence)).toEqual({ a: "failed", b: "succeeded", c: "skipped", d: "failed" });
});

test("a failed step is tried again with its pauses, and each try has its own output", async () => {
  const count = bench.path("count");
  const fence = bench.run(
    `steps:
  - id: flaky
    run: echo x >> ${count}; echo "try $OC_TRY"; [ $(wc -l < ${count}) -ge 3 ]
    retry: { max: 5, delay: 10ms, backoff: exponential }`.replace("10ms", "1s"),
  );
  expect(await bench.outcome(fence)).toEqual({ state: "succeeded", reason: "" });
  expect(bench.eventsOf(fence, "tryFinished").map((e) => e.state)).toEqual(["failed", "failed", "succeeded"]);
  expect((await bench.output(fence, "flaky", 2)).toString()).toBe("try 2\n");
  const at = bench.host.eventsAfter(fence, 0n, 99).filter((e) => e.body.kind === "tryStarting");
  const pauses = at.slice(1).map((e, i) => e.monotonicMs - at[i]!.monotonicMs);
  expect(pauses[0]).toBeGreaterThanOrEqual(999);
  expect(pauses[1]).toBeGreaterThanOrEqual(1999);
});

test("a step beyond its time limit is stopped with everything it started, and retried only when that is asked for", async () => {
  const fence = bench.run(`steps:
  - { id: slow, run: "setsid sleep 100 & sleep 100", timeout: 1s, retry: { max: 3, on: [failed] } }
finally: [ { id: clean, run: "true" } ]`);
  const reason = "step slow timed out: it ran into its time limit of 1 s";
  expect(await bench.outcome(fence)).toEqual({ state: "timed_out", reason });
  expect(bench.eventsOf(fence, "tryFinished")).toMatchObject([{ state: "timed_out", signal: "SIGTERM" }, {}]);
  expect(bench.states(fence)).toEqual({ slow: "timed_out", clean: "succeeded" });
});

test("the job's time limit ends the running step and skips the rest, but not onFailure and finally", async () => {
  const fence = bench.run(
    jobOf(`timeout: 1s
steps: [ { id: a, run: "sleep 100", continueOnError: true }, { id: b, run: "true" } ]
onFailure: [ { id: mend, run: "true" } ]
finally: [ { id: clean, run: "true" } ]`),
  );
  expect(await bench.outcome(fence)).toEqual({ state: "timed_out", reason: "the job's timeout was reached" });
  expect(bench.states(fence)).toEqual({ a: "timed_out", b: "skipped", mend: "succeeded", clean: "succeeded" });
});

test("cancel stops the running step, skips the rest and runs finally", async () => {
  const fence = bench.run(`steps:
  - { id: a, run: "trap '' TERM; sleep 100 & sleep 100", shell: bash, retry: { max: 3 } }
  - { id: b, if: always(), run: "true" }
onFailure: [ { id: c, run: "true" } ]
finally: [ { id: clean, run: "echo cleaned" } ]`);
  await started(fence, "a");
  bench.desire(fence, "cancel");
  bench.desire(fence, "cancel");
  expect(await bench.outcome(fence)).toEqual({ state: "cancelled", reason: "by a test" });
  expect(bench.states(fence)).toEqual({ a: "cancelled", b: "skipped", c: "skipped", clean: "succeeded" });
  expect(bench.eventsOf(fence, "tryFinished")[0]).toMatchObject({ state: "cancelled", reason: "by a test" });
});

test("cancel during the pause between two tries ends the step", async () => {
  const fence = bench.run(`steps: [ { id: a, run: "false", retry: { max: 3, delay: 1h } } ]`);
  await until("the first try", () => bench.eventsOf(fence, "tryFinished")[0]);
  bench.desire(fence, "cancel");
  expect((await bench.outcome(fence)).state).toBe("cancelled");
  expect(bench.states(fence)).toEqual({ a: "cancelled" });
});

test("a cancel that comes before the offer leaves a tombstone, and the offer is never run", async () => {
  const offer = bench.offer(`steps: [ { id: a, run: "echo ran > ${bench.path("ran")}" } ]`);
  bench.desire(offer.fence, "cancel");
  expect(bench.events(offer.fence)).toEqual([{ kind: "tombstone", code: "cancelled" }]);
  bench.host.receiveOffer(offer, Date.now());
  expect(bench.events(offer.fence)).toHaveLength(1);
  expect(existsSync(bench.path("ran"))).toBe(false);
});

test("an offer that is told twice runs once", async () => {
  const offer = bench.offer(`steps: [ { id: a, run: "echo ran >> ${bench.path("once")}" } ]`);
  for (let i = 0; i < 3; i++) bench.host.receiveOffer(offer, Date.now());
  await bench.outcome(offer.fence);
  bench.host.receiveOffer(offer, Date.now());
  expect(readFileSync(bench.path("once"), "utf8")).toBe("ran\n");
  expect(bench.eventsOf(offer.fence, "accepted")).toHaveLength(1);
});

test("what cannot be run is denied with the reason, and a late offer is refused", () => {
  const good = "steps: [ { id: a, run: 'true' } ]";
  const denied = (fence: bigint) => bench.events(fence)[0];
  const wrongHash = bench.run(good, { definitionSha256: new Uint8Array(32) });
  expect(denied(wrongHash)).toMatchObject({ kind: "denied", code: "invalid_definition", reason: /sha256/ });
  const unknown = bench.run("steps: [ { id: a, teleport: home } ]");
  expect(denied(unknown)).toMatchObject({ code: "unsupported", reason: expect.stringMatching(/line 4/) });
  const stage = bench.run(good, { stageId: "deploy" });
  expect(denied(stage)).toMatchObject({ code: "unsupported", reason: expect.stringMatching(/no stage deploy/) });
  const inputs = bench.run(good, { inputsJson: Buffer.from('{"x":1}') });
  expect(denied(inputs)).toMatchObject({ code: "invalid_definition", reason: expect.stringMatching(/no inputs/) });
  const late = bench.run(good, { startBeforeMs: Date.now() - 1000 });
  expect(denied(late)).toEqual({ kind: "tombstone", code: "expired" });
  const bytes = Buffer.from([0xff, 0xfe]);
  expect(denied(bench.run(good, { definition: bytes }))).toMatchObject({ code: "invalid_definition" });
});

test("a cancel in the pause before a retry is a cancel: no failure, no onFailure, but finally", async () => {
  const fence = bench.run(
    `steps: [ { id: a, run: "exit 3", retry: { max: 3, delay: 1h } }, { id: b, run: "true" } ]
onFailure: [ { id: mend, run: "true" } ]
finally: [ { id: clean, run: "true" } ]`,
  );
  await until("the first try's end", () => bench.eventsOf(fence, "tryFinished").length === 1);
  bench.desire(fence, "cancel");
  expect(await bench.outcome(fence)).toEqual({ state: "cancelled", reason: "by a test" });
  expect(bench.states(fence)).toEqual({ a: "cancelled", b: "skipped", mend: "skipped", clean: "succeeded" });
  // The same when the cancel was there before the try ended by itself.
  const gateFile = bench.path("ends");
  const late = bench.run(
    `steps: [ { id: a, run: "trap '' TERM; touch ${gateFile}; sleep 0.2; exit 3", retry: { max: 3, delay: 1h } } ]`,
  );
  await until("the step's start", () => existsSync(gateFile));
  bench.desire(late, "cancel");
  expect((await bench.outcome(late)).state).toBe("cancelled");
});

test("a stage of a workflow runs its own steps, with what earlier stages gave out and its item of the matrix", async () => {
  const fence = bench.run(
    `apiVersion: opsconductor/v1
kind: Job
name: release
env: { WHERE: job }
stages:
  build: { targets: { names: [web-1] }, steps: [ { run: "exit 9" } ] }
  deploy:
    needs: [build]
    matrix: { region: [eu, us] }
    targets: { names: [web-1] }
    env: { WHERE: "\${{ matrix.region }}" }
    steps:
      - { id: skipped, if: stages.build.state == "failed", run: "exit 9" }
      - { id: show, run: [printf, "%s", "\${{ stages.build.outputs.version }} \${{ stages.build.targets['web-1'].version }}"] }
      - { id: where, run: 'printf %s "$WHERE"' }`,
    {
      stageId: "deploy",
      needsOutputsJson: Buffer.from(
        '{"matrix":{"region":"eu"},"stages":{"build":{"outputs":{"version":"$(id) \\"1\\""},"state":"succeeded","targets":{"web-1":{"version":"2"}}}}}',
      ),
    },
  );
  expect(await bench.outcome(fence)).toEqual({ state: "succeeded", reason: "" });
  expect(bench.states(fence)).toEqual({ skipped: "skipped", show: "succeeded", where: "succeeded" });
  expect((await bench.output(fence, "show")).toString()).toBe('$(id) "1" 2');
  expect((await bench.output(fence, "where")).toString()).toBe("eu");
  const broken = bench.run("steps: [ { id: a, run: 'true' } ]", { needsOutputsJson: Buffer.from("{") });
  expect(bench.events(broken)[0]).toMatchObject({ kind: "denied", code: "invalid_definition" });
});

test("a hold keeps the next step waiting, a barrier too, and finally waits for neither", async () => {
  const first = gate("hold");
  const fence = bench.run(
    `steps: [ { id: a, run: "${first.wait}" }, { id: b, run: "true" }, { id: c, run: "true" } ]
finally: [ { id: clean, run: "true" } ]`,
    { releaseThroughStep: 1 },
  );
  await started(fence, "a");
  bench.desire(fence, "hold", { releaseThroughStep: 1 });
  first.open();
  const held = (stepId: string) =>
    until(`hold before ${stepId}`, () => bench.eventsOf(fence, "held").some((e) => e.nextStepId === stepId));
  await held("b");
  bench.desire(fence, "run", { releaseThroughStep: 1 });
  await held("c");
  expect(bench.states(fence)).toEqual({ a: "succeeded", b: "succeeded" });
  expect(bench.host.vitals().runningAttempts).toBe(0);
  bench.desire(fence, "run");
  expect((await bench.outcome(fence)).state).toBe("succeeded");
  expect(bench.eventsOf(fence, "held").map((e) => e.nextStepId)).toEqual(["b", "c"]);
});

test("a held attempt can be cancelled", async () => {
  const fence = bench.run("steps: [ { id: a, run: 'true' }, { id: b, run: 'true' } ]", { releaseThroughStep: 0 });
  await until("the hold", () => bench.eventsOf(fence, "held")[0]);
  bench.desire(fence, "cancel");
  expect((await bench.outcome(fence)).state).toBe("cancelled");
  expect(bench.states(fence)).toEqual({ a: "succeeded", b: "skipped" });
});

test("output that is larger than its limit keeps head and tail, with the exact size of the gap", async () => {
  const fence = bench.run(jobOf(`limits: { output: 100KiB }\nsteps: [ { id: a, run: "seq 1 100000" } ]`));
  await bench.outcome(fence);
  const [end] = bench.eventsOf(fence, "tryFinished");
  const all = Array.from({ length: 100_000 }, (_, i) => `${i + 1}\n`).join("");
  const output = (await bench.output(fence, "a", 1, 1000)).toString("latin1");
  expect(end!.rawBytes).toBe(BigInt(all.length));
  expect(end!.gaps).toEqual([{ offset: 76_800n, omittedBytes: BigInt(all.length - 102_400) }]);
  expect(output).toBe(all.slice(0, 76_800) + all.slice(-25_600));
});

test("a background child that holds the output open does not hold up the step for long", async () => {
  const fence = bench.run(`steps: [ { id: a, run: "echo done; sleep 100 &" } ]`);
  expect((await bench.outcome(fence)).state).toBe("succeeded");
  expect((await bench.output(fence, "a")).toString()).toBe("done\n");
  const [end] = bench.eventsOf(fence, "tryFinished");
  expect(end!.reason).toBe("a background process that held its output open after its end was ended");
  const failed = bench.run(`steps: [ { id: a, run: "sleep 100 & sleep 100 & exit 4" } ]`);
  expect((await bench.outcome(failed)).reason).toMatch(/^step a failed: exit code 4; 2 background processes .* ended$/);
});

test("acknowledged output is gone from the host, and a forgotten attempt with it", async () => {
  const fence = bench.run(`steps: [ { id: a, run: "seq 1 20000" } ]`);
  await bench.outcome(fence);
  const folder = bench.path(`state/work/${fence}`);
  await until("only the stream's folder", () => readdirSync(folder).length === 1);
  const [source] = bench.host.outputSources().filter((s) => s.fence === fence);
  expect(bench.host.vitals().spooledBytes).toBeGreaterThanOrEqual(source!.availableBytes);
  bench.host.acknowledgeOutput(fence, "a", 1, source!.availableBytes);
  expect(readdirSync(folder)).toEqual([]);
  bench.desire(fence, "forget");
  await until("an empty place", () => !existsSync(folder));
  expect(bench.host.attempts().some((a) => a.fence === fence)).toBe(false);
});

test("an offer at or below a forgotten fence is refused", async () => {
  const offer = bench.offer("steps: [ { id: a, run: 'true' } ]");
  const fence = bench.run("steps: [ { id: a, run: 'true' } ]");
  await bench.outcome(fence);
  bench.desire(fence, "forget");
  await until("the forgetting", () => !bench.host.attempts().some((a) => a.fence === fence));
  bench.host.receiveOffer(offer, Date.now());
  expect(bench.events(offer.fence)).toEqual([{ kind: "tombstone", code: "pruned" }]);
});

test("a step with an argument too long for the system fails with the reason before anything starts", async () => {
  const fence = bench.run(
    jobOf(
      `steps: [ { id: a, run: ["true", "${"x".repeat(60_000)}", "\${{ inputs.s }}\${{ inputs.s }}\${{ inputs.s }}"] } ]`,
      `inputs: { s: { type: string, default: "${"y".repeat(50_000)}", maxLength: 65536 } }`,
    ),
  );
  expect((await bench.outcome(fence)).reason).toMatch(/longer than 128 KiB: hand it over in a file/);
  expect(bench.eventsOf(fence, "tryStarting")).toEqual([]);
});

test("each attempt works in a folder of its own, which is gone afterwards", async () => {
  const fence = bench.run(`steps: [ { id: a, run: "pwd; touch left" }, { id: b, run: "ls" } ]`);
  await bench.outcome(fence);
  const folder = (await bench.output(fence, "a")).toString().trim();
  expect((await bench.output(fence, "b")).toString()).toBe("left\n");
  await until("the folder's end", () => !existsSync(folder));
});

afterEach(() => {
  expect(bench.host.degraded()).toBe("");
});
