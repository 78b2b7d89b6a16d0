import { parseJob } from "@opsconductor/contract/job/parse-job";
import { expect, test } from "vitest";
import { jobRules } from "./job-rules.ts";

const rulesOf = (yaml: string) =>
  Object.fromEntries(
    jobRules(parseJob(`apiVersion: opsconductor/v1\nkind: Job\nname: roll\nsteps: [{ run: x }]\n${yaml}`).job!).map(
      ({ label, value }) => [label, value],
    ),
  );

test("a job that says nothing has the agent's user and the usual time", () => {
  expect(rulesOf("")).toEqual({ "Runs as": "the agent's own user", "On one target": "at most 1d" });
});

test("what a job says beside its steps is told in words", () => {
  const all = rulesOf(`
runAs: app
limits: { memory: 64MiB }
deadline: 2h
rollout: { canary: 1, batch: 20%, pause: 1m, maxFailures: 5%, order: step-first }
approval: { by: [role:manager], required: 2, expires: 4h }
concurrency: { key: tier, onConflict: skip }
priority: high
`);
  expect(all).toMatchObject({
    "Runs as": "app",
    "Limits of a step": "64MiB of memory",
    Altogether: "at most 2h",
    Rollout: "1 first, then 20% at a time, 1m between batches, 5% may fail, a barrier after every step",
    Approval: "2 of role:manager, not who asked for it, within 4h",
    "At the same time": "at most 1 with the key tier, others are skipped",
    Priority: "High",
  });
});
