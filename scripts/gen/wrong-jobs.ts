// Jobs with one mistake each: the examples behind the table of errors in docs/jobs.md. Used by job-pages.ts.

const lines = [
  "apiVersion: opsconductor/v1",
  "kind: Job",
  "name: rotate-logs",
  "timeout: 30m",
  "inputs: { keep_days: { type: integer, default: 14, maximum: 90 } }",
  "targets: { select: env=prod }",
  "steps:",
  "  - id: check",
  "    run: df",
  "  - id: rotate",
  "    run: [rotate, --days, x]",
];

const withLine = (line: number, text: string) => lines.with(line - 1, text).join("\n");

export const wrongJobs: readonly { what: string; text: string }[] = [
  { what: "an unknown key: `timeot: 30m`", text: withLine(4, "timeot: 30m") },
  { what: "a key of a later version: `notify: []`", text: withLine(4, "notify: []") },
  { what: "a number where text belongs: `name: 5`", text: withLine(3, "name: 5") },
  { what: "a duration without a unit: `timeout: 30min`", text: withLine(4, "timeout: 30min") },
  { what: "an unknown type: `type: int`", text: withLine(5, "inputs: { keep_days: { type: int } }") },
  {
    what: "a default that the input itself refuses",
    text: withLine(5, "inputs: { keep_days: { type: integer, default: 140, maximum: 90 } }"),
  },
  { what: "a selector of another language: `env==prod`", text: withLine(6, "targets: { select: env==prod }") },
  { what: "targets without a choice", text: withLine(6, "targets: { max: 5 }") },
  { what: "an id twice", text: withLine(10, "  - id: check") },
  { what: "a step without `run`", text: withLine(9, "    name: Check") },
  { what: "a value put into a script", text: withLine(9, "    run: echo ${{ inputs.keep_days }}") },
  { what: "an unknown input", text: withLine(11, '    run: [rotate, "${{ inputs.keepdays }}"]') },
  { what: "an unknown step", text: withLine(11, '    run: [rotate, "${{ steps.chek.state }}"]') },
  { what: "a condition that is no condition", text: withLine(10, "  - if: inputs.keep_days") },
  { what: "a reserved variable", text: withLine(4, "env: { OC_OUTPUT: x }") },
  { what: "a key twice", text: withLine(4, "name: again") },
  { what: "a tab as indentation", text: withLine(9, "\trun: df") },
  { what: "an alias inside its own anchor", text: withLine(4, "env: &a { A: *a }") },
  { what: "several documents", text: `${lines.join("\n")}\n---\nname: other\n` },
  { what: "an empty text", text: "" },
  { what: "no mapping", text: "- run: df\n" },
  { what: "more than 1 MiB", text: `# ${"x".repeat(5_000_000)}` },
];
