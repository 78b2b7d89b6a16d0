import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseJob } from "../parse-job.ts";
import { planStage, summariseSteps } from "../plan-stage.ts";
import { actionCatalogue, actionNames } from "./action-catalogue.ts";
import { resolveParameters } from "./check-action.ts";

const head = [
  "apiVersion: opsconductor/v1",
  "kind: Job",
  "name: j",
  "inputs: { port: { type: integer, default: 80 }, hosts: { type: list, default: [a] }, text: { type: string } }",
  "steps:",
];
const parse = (...steps: string[]) => parseJob([...head, ...steps].join("\n"));
const errorsOf = (...steps: string[]) =>
  parse(...steps).errors.map((e) => `${e.line}:${e.column} ${e.path}: ${e.message}`);

test("a step with an action is planned with its parameters, and named by what it is about", () => {
  const { job, errors } = parse(
    "  - uses: file",
    "    with: { path: /etc/motd, content: x }",
    "  - uses: message",
    "    with: { text: hi }",
  );
  expect(errors).toEqual([]);
  const plan = planStage(job!)!;
  expect(plan.steps[0]).toMatchObject({
    name: "file /etc/motd",
    check: "plan",
    run: { kind: "action", uses: "file", with: { path: "/etc/motd", content: "x" } },
  });
  expect(summariseSteps(plan).map(({ kind }) => kind)).toEqual(["file", "message"]);
});

test.each([
  [
    ["  - uses: fiel", "    with: { path: /x }"],
    "6:11 steps.0.uses: there is no action called fiel; did you mean file?",
  ],
  [["  - uses: file", "    with: { pth: /x }"], "7:13 steps.0.with.pth: unknown key pth; did you mean path?"],
  [["  - uses: file"], "6:5 steps.0.with.path: path is missing"],
  [["  - uses: file", "    with: { path: etc/x }"], "7:19 steps.0.with.path: must be an absolute path"],
  [
    ["  - uses: file", "    with: { path: /x, mode: 644 }"],
    "7:29 steps.0.with.mode: must be text, and this is the number 644; put it in quotes",
  ],
  [
    ["  - uses: file", '    with: { path: /x, mode: "999" }'],
    '7:29 steps.0.with.mode: must be octal digits in quotes, like "0644"',
  ],
  [
    ["  - uses: http", "    with: { url: 'http://x', expect: { stats: [200] } }"],
    "7:40 steps.0.with.expect.stats: unknown key stats; did you mean status?",
  ],
  [
    ["  - uses: wait-for", "    with: { port: 80, path: /x }"],
    "7:11 steps.0.with: wait-for needs exactly one of port, path, url and command",
  ],
  [["  - { uses: sleep, with: { for: 1s }, run: ls }"], "6:5 steps.0.uses: a step has run or uses, not both"],
  [
    ["  - { run: ls, with: { for: 1s } }"],
    "6:5 steps.0.with: with belongs to uses; a script gets its values through env, a list through its items",
  ],
  [["  - { uses: sleep, with: { for: 1s }, shell: bash }"], "6:5 steps.0.shell: an action needs no shell; remove it"],
  [
    ["  - { name: x }"],
    "6:5 steps.0.run: run is missing: write the script or the command of this step, or uses with an action",
  ],
  [
    ["  - uses: message", "    with: { text: '${{ inputs.txt }}' }"],
    "7:24 steps.0.with.text: there is no input called txt; did you mean text?",
  ],
  [
    ["  - uses: template", "    with: { path: /x, template: 'a ${{ inputs.text }}' }"],
    "7:32 steps.0.with.template: template of template is code, so ${{ }} is never put into it, because a value could then be code; pass it through values",
  ],
  [
    ["  - uses: template", "    with: { path: /x, template: '{{#a}}' }"],
    "7:29 steps.0.with.template: line 1: {{#a}} is never closed",
  ],
])("%j is refused with its place", (steps, error) => {
  const place = (text: string) => text.replace(/^\d+:\d+ /, "");
  expect(errorsOf(...steps).map(place)).toEqual([place(error)]);
  expect(errorsOf(...steps)[0]!.split(":")[0]).toBe(error.split(":")[0]);
});

test("values by expression are accepted wherever a value stands, and read as what the action wants", () => {
  const { job, errors } = parse(
    "  - uses: wait-for",
    '    with: { port: "${{ inputs.port }}", timeout: "${{ inputs.port }}s" }',
    "  - uses: template",
    '    with: { path: /x, template: "", values: { hosts: "${{ inputs.hosts }}", one: "a ${{ inputs.port }}" } }',
  );
  expect(errors).toEqual([]);
  const [wait, template] = planStage(job!)!.steps;
  const scope = {
    inputs: { port: 80, hosts: ["a", "b"] },
    steps: {},
    target: { id: "1", name: "t" },
    execution: { id: "1", number: 1, job: "j" },
    outcome: "success" as const,
  };
  const resolve = (step: typeof wait) => {
    if (step!.run.kind !== "action") throw new Error("no action");
    return resolveParameters(step!.run.uses, step!.run.with, step!.names, scope);
  };
  expect(resolve(wait).parameters).toMatchObject({ port: 80, timeout: "80s", every: "1s" });
  expect(resolve(template).parameters).toMatchObject({ values: { hosts: ["a", "b"], one: "a 80" } });
  const names = { inputs: { text: "string" as const }, steps: {} };
  const given = (text: string) => ({ ...scope, inputs: { text } });
  const port = (text: string) => resolveParameters("wait-for", { port: "${{ inputs.text }}" }, names, given(text));
  expect(port("8080").parameters).toMatchObject({ port: 8080 });
  expect(port("80; rm").problem).toMatch(/^port: must be a number/);
  expect(port("70000").problem).toBe("port: must be at most 65535");
  const path = resolveParameters("file", { path: "${{ inputs.text }}" }, names, given("${{ inputs.x }}/$(id)"));
  expect(path.problem).toBe("path: must be an absolute path");
});

test("every action has an example that can be saved", () => {
  for (const name of actionNames) {
    const step = actionCatalogue[name].example.split("\n").map((line) => `  ${line}`);
    const check = "  - { id: check, uses: http, with: { url: 'http://x' } }";
    expect([name, errorsOf(check, ...step)]).toEqual([name, []]);
  }
});

test("the sample jobs with actions can be saved", () => {
  const folder = join(import.meta.dirname, "../../../../samples/operations");
  const files = readdirSync(folder);
  expect(files.length).toBeGreaterThan(2);
  for (const file of files)
    expect([file, parseJob(readFileSync(join(folder, file), "utf8")).errors]).toEqual([file, []]);
});

test.each([
  ["uses: file, with: { path: /a, content: x }", true],
  ["uses: file, idempotent: false, with: { path: /a, content: x }", false],
  ["uses: service, with: { name: a, state: started }", true],
  ["uses: service, with: { name: a, state: restarted }", false],
  ["uses: http, with: { url: 'https://a.example' }", true],
  ["uses: http, with: { url: 'https://a.example', method: POST }", false],
  ["uses: http, with: { url: 'https://a.example', method: '${{ target.name }}' }", false],
  ["uses: sql, with: { engine: mysql, database: a, query: select 1, changes: false }", true],
  ["uses: sql, with: { engine: mysql, database: a, query: delete from a }", false],
  ["uses: reboot, with: {}", false],
  ["uses: reboot, idempotent: true, with: {}", true],
  ["run: date", false],
])("{ %s } is done again after a loss: %s", (step, again) => {
  const { job, errors } = parseJob(`apiVersion: opsconductor/v1\nkind: Job\nname: a\nsteps: [ { ${step} } ]`);
  expect(errors).toEqual([]);
  expect(planStage(job!)!.steps[0]!.idempotent).toBe(again);
});
