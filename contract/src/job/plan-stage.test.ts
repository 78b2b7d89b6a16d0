import { expect, test } from "vitest";
import { type ExpressionScope, evaluateCondition } from "./expression.ts";
import { parseJob } from "./parse-job.ts";
import { planStage, planTargets, retryDelayMs, summariseSteps } from "./plan-stage.ts";

const job = parseJob(`
apiVersion: opsconductor/v1
kind: Job
name: demo
timeout: 30m
limits: { output: 1MiB }
env: { A: job, B: job }
targets: { select: env=prod, max: 3, offline: skip, offlineExpiry: 1h }
steps:
  - id: check
    run: |
      #!/bin/sh
      set -eu
      echo "hello"
    env: { B: step }
    retry: { max: 3, delay: 10s, backoff: exponential }
  - run: [/bin/true, -x]
    if: steps.check.state == "succeeded" // a comment
    timeout: 5m
  - name: Look
    shell: bash
    run: ls
    if: \${{ failure() }}
onFailure: [ { run: undo } ]
finally: [ { run: clean }, { run: clean more, timeout: 30s, if: steps.check.state == "failed" } ]
`).job!;
const plan = planStage(job)!;

test("steps are in order with ids, names and phases", () => {
  expect(plan.steps.map(({ id, phase, name }) => `${phase} ${id}: ${name}`)).toEqual([
    'steps check: echo "hello"',
    "steps step-2: /bin/true -x",
    "steps step-3: Look",
    "onFailure on-failure-1: undo",
    "finally finally-1: clean",
    "finally finally-2: clean more",
  ]);
  expect(summariseSteps(plan).map(({ kind }) => kind)).toEqual([
    "script",
    "exec",
    "bash",
    "script",
    "script",
    "script",
  ]);
  expect(plan.steps.map(({ position }) => position)).toEqual([0, 1, 2, 3, 4, 5]);
});

test("a summary has the bounds that are told, and nothing for those that are not", () => {
  const bounded = planStage(
    parseJob(`
apiVersion: opsconductor/v1
kind: Job
name: bounded
limits: { memory: 64MiB }
steps: [{ run: a, runAs: app, timeout: 5m, limits: { cpu: 50%, processes: 20 } }, { run: b }]
`).job!,
  )!;
  const all = { memoryBytes: 64 * 1024 ** 2, outputBytes: 10 * 1024 ** 2 };
  expect(summariseSteps(bounded).map(({ bounds }) => bounds)).toEqual([
    { runAs: "app", timeoutMs: 300_000, cpuPercent: 50, processes: 20, ...all },
    all,
  ]);
});

test("user and limits are the nearest word's, each limit by itself", () => {
  const { job: workflow } = parseJob(`
apiVersion: opsconductor/v1
kind: Job
name: demo
runAs: app
limits: { memory: 1GiB, cpu: 50% }
stages:
  a:
    targets: { names: [x] }
    limits: { memory: 512MiB, processes: 20 }
    steps: [ { run: one }, { run: two, runAs: root, limits: { cpu: 200%, output: 1KiB } } ]
`);
  const { steps } = planStage(workflow!, "a")!;
  const megabyte = 1024 ** 2;
  expect(steps.map(({ runAs, limits }) => ({ runAs, ...limits }))).toEqual([
    { runAs: "app", memoryBytes: 512 * megabyte, cpuPercent: 50, processes: 20, outputBytes: 10 * megabyte },
    { runAs: "root", memoryBytes: 512 * megabyte, cpuPercent: 200, processes: 20, outputBytes: 1024 },
  ]);
});

test("durations are milliseconds, sizes are bytes, environments are merged", () => {
  expect(plan).toMatchObject({ id: "main", timeoutMs: 1_800_000 });
  expect(plan.steps[0]!.limits.outputBytes).toBe(1_048_576);
  expect(plan.steps.map(({ timeoutMs }) => timeoutMs)).toEqual([
    undefined,
    300_000,
    undefined,
    1_800_000,
    600_000,
    30_000,
  ]);
  expect(plan.steps[0]).toMatchObject({ env: { A: "job", B: "step" }, retry: { max: 3, delayMs: 10_000 } });
  expect(planTargets(job)).toEqual({
    select: "env=prod",
    names: undefined,
    max: 3,
    offline: "skip",
    offlineExpiryMs: 3_600_000,
  });
});

test("a job of one stage has no other stage", () => {
  expect(planStage(job, "deploy")).toBeUndefined();
});

test("after a failure only steps that ask for it run, and the other phases are not held back", () => {
  const runs = (outcome: ExpressionScope["outcome"]) =>
    plan.steps
      .filter((step) => evaluateCondition(step.condition, step.names, scopeOf(step.names.steps, outcome)))
      .map(({ id }) => id);
  expect(runs("success")).toEqual(["check", "step-2", "on-failure-1", "finally-1"]);
  expect(runs("failure")).toEqual(["step-3", "on-failure-1", "finally-1"]);
});

function scopeOf(steps: Record<string, unknown>, outcome: ExpressionScope["outcome"]): ExpressionScope {
  return {
    inputs: {},
    steps: Object.fromEntries(Object.keys(steps).map((id) => [id, { state: "succeeded" as const, outputs: {} }])),
    target: { id: "t", name: "t" },
    execution: { id: "e", number: 1, job: "demo" },
    outcome,
  };
}

test("pauses between tries stay the same or double, up to an hour", () => {
  const retry = plan.steps[0]!.retry;
  expect([2, 3, 4, 20].map((n) => retryDelayMs(retry, n))).toEqual([10_000, 20_000, 40_000, 3_600_000]);
  expect([2, 3].map((n) => retryDelayMs({ ...retry, backoff: "fixed" }, n))).toEqual([10_000, 10_000]);
});

test("a name that is taken from a script or an action hides nothing and turns nothing around", () => {
  const head = "apiVersion: opsconductor/v1\nkind: Job\nname: demo\nsteps:\n";
  const steps = '  - run: "echo \\u202ekcatta"\n  - { uses: file, with: { path: "/etc/\\u200bmotd" } }\n';
  const names = planStage(parseJob(head + steps).job!)!.steps.map((step) => step.name);
  expect(names).toEqual(["echo \ufffdkcatta", "file /etc/\ufffdmotd"]);
});

test("a generated id gives way to one that was given", () => {
  const text = "apiVersion: opsconductor/v1\nkind: Job\nname: x\nsteps: [{ run: a }, { id: step-1, run: b }]\n";
  expect(planStage(parseJob(text).job!)!.steps.map(({ id }) => id)).toEqual(["step-1-x", "step-1"]);
});
