import { expect, test } from "vitest";
import { readJob } from "./read-job.ts";

const head = "apiVersion: opsconductor/v1\nkind: Job\nname: release\ntargets: { select: env=prod }\n";

test("a job with steps is one stage with the targets of the job", () => {
  const { stages } = readJob(`${head}steps: [{ id: a, run: "true" }]\n`);
  expect(stages.map(({ id, targets, plan }) => [id, targets?.select, plan.map((step) => step.id)])).toEqual([
    ["main", "env=prod", ["a"]],
  ]);
});

test("every stage of a workflow is told with where it runs, one that calls a job too", () => {
  const { stages } = readJob(`${head}stages:
  build: { targets: { names: [ci-1] }, steps: [{ run: make }] }
  deploy: { needs: [build], steps: [{ run: deploy }] }
  check: { needs: [deploy], if: always(), job: smoke-test }
  more: { job: smoke-test, targets: { select: env=dev } }
`);
  const where = ({ targets }: (typeof stages)[number]) => targets?.select ?? targets?.names;
  expect(
    stages.map((stage) => [stage.id, stage.needs, stage.condition, where(stage), stage.call?.job, stage.plan.length]),
  ).toEqual([
    ["build", [], undefined, ["ci-1"], undefined, 1],
    ["deploy", ["build"], undefined, "env=prod", undefined, 1],
    ["check", ["deploy"], "always()", undefined, "smoke-test", 0],
    ["more", [], undefined, "env=dev", "smoke-test", 0],
  ]);
});

test("text with problems has no stages", () => {
  const { job, stages, problems } = readJob(`${head}stepps: []\n`);
  expect([job, stages]).toEqual([undefined, []]);
  expect(problems.length).toBeGreaterThan(0);
});
