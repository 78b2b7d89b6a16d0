import { chmodSync, existsSync, readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HostBench, jobOf } from "./testing/host-bench.ts";

let bench: HostBench;
beforeEach(() => {
  bench = new HostBench();
});
afterEach(() => bench.close());

/** Every character that some shell, template or format gives a meaning, and code that would leave a file behind. */
const hostile = (trace: string) =>
  [
    `it's "quoted" \`touch ${trace}\` $(touch ${trace}) \${HOME} $HOME !! ~ * ? [a-z] {a,b}`,
    `; touch ${trace}; | touch ${trace} & # %s %n \\n \\0 \\\\ \\' \\"`,
    `{{ name }} {{#a}} \${{ inputs.other }} <%= 1 %> \${7*7} <!-- --> é 日本 🚀`,
    "\tand a last line that ends in blanks  ",
  ].join("\n");

const job = (folder: string) =>
  jobOf(
    `steps:
  - { id: sh, run: 'printf %s "$INPUT_X"' }
  - { id: bash, shell: bash, run: 'printf %s "$INPUT_X"' }
  - { id: node, shell: node, run: 'process.stdout.write(process.env.INPUT_X)' }
  - { id: argv, run: [printf, "%s", "\${{ inputs.x }}"] }
  - { id: env, env: { E: "\${{ inputs.x }}" }, run: 'printf %s "$E"' }
  - { id: within, env: { E: "<\${{ inputs.x }}>" }, run: [sh, -c, 'printf %s "$E"'] }
  - { id: output, run: '{ echo "v<<END"; printf "%s\\n" "$INPUT_X"; echo END; } >>"$OC_OUTPUT"' }
  - { id: passed, env: { E: "\${{ steps.output.outputs.v }}" }, run: 'printf %s "$E"' }
  - { id: file, uses: file, with: { path: "${folder}/file", content: "\${{ inputs.x }}" } }
  - { id: template, uses: template, with: { path: "${folder}/template", template: "<{{ v }}>", values: { v: "\${{ inputs.x }}" } } }`,
    "inputs: { x: { type: string } }",
  );

test("values full of code arrive as they are, by every way, and nothing of them is run", async () => {
  const trace = bench.path("trace");
  const value = hostile(trace);
  const inputsJson = Buffer.from(JSON.stringify({ x: value }));
  const fence = bench.run(job(bench.root), { inputsJson });
  expect(await bench.outcome(fence)).toMatchObject({ state: "succeeded" });
  for (const id of ["sh", "bash", "node", "argv", "env", "passed"])
    expect((await bench.output(fence, id)).toString(), id).toBe(value);
  expect((await bench.output(fence, "within")).toString()).toBe(`<${value}>`);
  expect(bench.outputsOf(fence, "output")).toEqual({ v: value });
  expect(readFileSync(bench.path("file"), "utf8")).toBe(value);
  expect(readFileSync(bench.path("template"), "utf8")).toBe(`<${value}>`);
  expect(existsSync(trace)).toBe(false);
});

test.runIf(process.getuid?.() === 0)("so they do to a step of another user with limits", async () => {
  const value = hostile(bench.path("trace"));
  const text = jobOf(
    `steps: [ { id: a, runAs: nobody, run: [printf, "%s", "\${{ inputs.x }}"] }, { id: b, runAs: nobody, run: 'printf %s "$INPUT_X"' } ]`,
    "inputs: { x: { type: string } }",
  );
  chmodSync(bench.root, 0o711);
  const fence = bench.run(text, { inputsJson: Buffer.from(JSON.stringify({ x: value })) });
  expect(await bench.outcome(fence)).toMatchObject({ state: "succeeded" });
  for (const id of ["a", "b"]) expect((await bench.output(fence, id)).toString()).toBe(value);
});
