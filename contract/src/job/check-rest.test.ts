import { expect, test } from "vitest";
import { parseJob } from "./parse-job.ts";

const on = "targets: { names: [a] }, steps: [{ run: x }]";
const head = "apiVersion: opsconductor/v1\nkind: Job\nname: flow\n";
const workflow = (stages: string, top = "") => `${head}${top}stages:\n${stages}`;
const errorsOf = (text: string) => parseJob(text).errors.map(({ path, message }) => `${path}: ${message}`);

test.each([
  [
    "an unknown key and an unknown need",
    workflow(`  build: { ${on} }\n  deploy: { needs: [biuld], ${on} }`, "descripton: x\n"),
    [
      "descripton: unknown key descripton; did you mean description?",
      "stages.deploy.needs.0: there is no stage biuld; did you mean build?",
    ],
  ],
  [
    "an unknown key of a stage and a cycle",
    workflow(`  a: { tiemout: 1m, needs: [b], ${on} }\n  b: { needs: [a], ${on} }`),
    [
      "stages.a.tiemout: unknown key tiemout; did you mean timeout?",
      "stages.b.needs.0: these stages wait for each other: a needs b needs a; remove one of these needs",
    ],
  ],
  [
    "a wrong kind, a wrong duration, an unknown input in a command and an unreadable selector",
    `apiVersion: opsconductor/v1\nkind: Jobs\nname: x\ntimeout: 30\ntargets: { select: env==prod }\nsteps:\n  - run: [x, "\${{ inputs.day }}"]\n`,
    [
      'kind: kind must be Job, and this is "Jobs"',
      "timeout: must be a duration like 90s, 15m, 6h, 2d or 1h30m, and this is the number 30: write 30s or 30m",
      "targets.select: the selector cannot be read: == is not used here: equality is written =",
      "steps.0.run.1: there is no input called day",
    ],
  ],
  [
    "a step that is none, and an id twice after it",
    `${head}steps:\n  - hello\n  - { id: one, run: x }\n  - { id: one, run: y }\n`,
    [
      'steps.0: must be a mapping of keys, and this is text ("hello")',
      "steps.2.id: another step is already called one; ids are unique in a job",
    ],
  ],
])("%s are told at once", (_, text, errors) => {
  expect(errorsOf(text)).toEqual(errors);
});

test.each([
  ["a mistyped run", `${head}steps:\n  - rnu: df\n`],
  ["a mistyped steps", `${head}stpes:\n  - run: df\n`],
  ["a mistyped steps of a stage", workflow("  a: { targets: { names: [a] }, stpes: [{ run: x }] }")],
  ["a mistyped job of a stage", workflow("  a: { jbo: other, inputs: { x: 1 } }")],
  ["a mistyped select", `${head}targets: { selct: a=b }\nsteps: [{ run: x }]\n`],
  [
    "a mistyped list of inputs",
    `${head}input: { day: { type: string } }\nsteps: [{ run: [x, "\${{ inputs.day }}"] }]\n`,
  ],
  [
    "an input of an unknown type",
    `${head}inputs: { day: { type: day } }\nsteps: [{ run: [x, "\${{ inputs.day }}"] }]\n`,
  ],
  [
    "an input with a bad name",
    `${head}inputs: { da-y: { type: string } }\nsteps: [{ if: inputs.da-y != "", run: x }]\n`,
  ],
  [
    "an id that is no id",
    `${head}steps:\n  - { id: "1st", run: x }\n  - { if: 'steps["1st"].state == "failed"', run: x }\n`,
  ],
  ["a mistyped id", `${head}steps:\n  - { idd: first, run: x }\n  - { if: 'steps.first.state == "failed"', run: x }\n`],
  ["mistyped needs", workflow(`  a: { ${on} }\n  b: { neds: [a], if: 'stages.a.state == "failed"', ${on} }`)],
  ["parameters of an action that are none", `${head}steps: [{ uses: sleep, with: 5 }]\n`],
  ["a mistyped with", `${head}steps: [{ uses: sleep, wiht: { for: 1s } }]\n`],
  ["a retry that lacks max", `${head}steps: [{ run: x, retry: { delay: 5s } }]\n`],
  ["a matrix that is none", workflow(`  a: { matrix: [r], if: matrix.r == "x", ${on} }`)],
  ["no name", `apiVersion: opsconductor/v1\nkind: Job\nsteps: [{ run: x }]\n`],
])("%s is one mistake", (_, text) => {
  expect(errorsOf(text)).toHaveLength(1);
});
