import { expect, test } from "vitest";
import { parseJob } from "./parse-job.ts";

const workflow = (stages: string, top = "") =>
  `apiVersion: opsconductor/v1\nkind: Job\nname: flow\n${top}stages:\n${stages}`;
const on = "targets: { names: [a] }, steps: [{ run: x }]";

const errorsOf = (text: string) =>
  parseJob(text).errors.map(({ path, message, line, column }) => `${line}:${column} ${path}: ${message}`);

test.each([
  [
    "an unknown need",
    `  build: { ${on} }\n  deploy: { needs: [biuld], ${on} }`,
    "6:21 stages.deploy.needs.0: there is no stage biuld; did you mean build?",
  ],
  ["a need of itself", `  a: { needs: [a], ${on} }`, "5:16 stages.a.needs.0: the stage a cannot need itself"],
  [
    "a cycle",
    `  a: { needs: [c], ${on} }\n  b: { needs: [a], ${on} }\n  c: { needs: [b], ${on} }`,
    "6:16 stages.b.needs.0: these stages wait for each other: a needs c needs b needs a; remove one of these needs",
  ],
  [
    "a stage that does nothing",
    "  a: { targets: { names: [a] } }",
    "5:3 stages.a: a stage needs steps, or another job (job: <name>)",
  ],
  [
    "steps beside another job",
    `  a: { job: other, ${on} }`,
    "5:45 stages.a.steps: a stage that calls another job has no steps: the other job says it",
  ],
  [
    "inputs without another job",
    `  a: { inputs: { x: 1 }, ${on} }`,
    "5:8 stages.a.inputs: inputs are for another job: a stage with steps uses those of its own job",
  ],
  ["an unknown key", `  a: { neds: [b], ${on} }`, "5:8 stages.a.neds: unknown key neds; did you mean needs?"],
  [
    "an unknown key of its rollout",
    `  a: { rollout: { canry: 1 }, ${on} }`,
    "5:19 stages.a.rollout.canry: unknown key canry; did you mean canary?",
  ],
  [
    "an output of a stage that is not needed",
    `  a: { ${on} }\n  b: { if: 'stages.a.state == "failed"', ${on} }`,
    "6:20 stages.b.if: there is no stage that this one needs called a",
  ],
  [
    "a target in a stage's condition",
    `  a: { if: 'target.name == "x"', ${on} }`,
    "5:13 stages.a.if: there is no variable called target; there is inputs, execution, stages",
  ],
  [
    "an input in a selector",
    "  a: { targets: { select: 'name=${{ inputs.x }}' }, steps: [{ run: x }] }",
    "5:27 stages.a.targets.select: a selector takes only ${{ matrix.<name> }}, nothing else of ${{ }}",
  ],
  [
    "a matrix of no list",
    `  a: { matrix: { r: "\${{ inputs.x }}" }, ${on} }`,
    "5:21 stages.a.matrix.r: must be a list of texts, or ${{ inputs.<name> }} of an input of type list",
  ],
  [
    "a value in a script",
    "  a: { targets: { names: [a] }, steps: [{ run: 'echo ${{ matrix.x }}' }] }",
    "stages.a.steps.0.run",
  ],
  [
    "a batch of nothing",
    `  a: { rollout: { batch: 0% }, ${on} }`,
    "5:26 stages.a.rollout.batch: must be between 1% and 100%",
  ],
])("%s is refused with its place", (_, stages, error) => {
  expect(errorsOf(workflow(stages)).join("\n")).toContain(error);
});

test("a job has steps or stages, not both", () => {
  expect(errorsOf(workflow(`  a: { ${on} }`, "steps: [{ run: x }]\n"))).toEqual([
    "4:1 steps: a job with stages has no steps of its own: write them inside a stage",
  ]);
  expect(errorsOf("apiVersion: opsconductor/v1\nkind: Job\nname: nothing\n")[0]).toContain(
    "a job has steps, or stages",
  );
});

test("two steps of one id may stand in two stages", () => {
  const one = "targets: { names: [a] }, steps: [{ id: x, run: x }]";
  expect(errorsOf(workflow(`  a: { ${one} }\n  b: { needs: [a], ${one} }`))).toEqual([]);
});
