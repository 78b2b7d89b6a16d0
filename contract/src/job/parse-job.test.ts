import { expect, test } from "vitest";
import { parseJob } from "./parse-job.ts";
import { maxDefinitionBytes } from "./yaml-document.ts";

const lines = [
  "apiVersion: opsconductor/v1",
  "kind: Job",
  "name: rotate-app-logs",
  "labels: { team: platform }",
  "inputs:",
  "  keep_days: { type: integer, default: 14, minimum: 1, maximum: 90 }",
  '  ticket: { type: string, pattern: "^OPS-[0-9]+$", required: true }',
  "targets:",
  "  select: env=prod and role in (web, api)",
  "timeout: 30m",
  "env: { LOG_DIR: /var/log/app }",
  "steps:",
  "  - id: check",
  "    run: df",
  "  - id: ship",
  '    if: steps.check.outputs.used != "0%"',
  '    run: [/bin/ship, --days, "${{ inputs.keep_days }}"]',
  "finally:",
  "  - run: rm -f /tmp/lock",
];

/** The job above with one line changed; errors as `line:column path: message`. */
function errorsWith(line: number, text: string): string[] {
  const changed = lines.with(line - 1, text).join("\n");
  return errorsOf(changed);
}

function errorsOf(text: string): string[] {
  return parseJob(text).errors.map((e) => `${e.line}:${e.column} ${e.path}: ${e.message}`);
}

test("a whole job is read, and what it leaves out has its default", () => {
  const { job, errors } = parseJob(lines.join("\n"));
  expect(errors).toEqual([]);
  expect(job).toMatchObject({ name: "rotate-app-logs", limits: { output: "10MiB" }, onFailure: [] });
  expect(job!.targets).toMatchObject({ offline: "queue", offlineExpiry: "24h" });
});

test("the same job is read from JSON, indented with tabs", () => {
  const { job } = parseJob(lines.join("\n"));
  expect(parseJob(JSON.stringify(job, null, "\t")).job).toEqual(job);
});

test.each([
  ["an unknown key", 4, "lables: { team: platform }", "4:1 lables: unknown key lables; did you mean labels?"],
  ["an unknown key of a step", 14, "    rnu: df", "14:5 steps.0.rnu: unknown key rnu; did you mean run?"],
  ["a wrong type", 3, "name: 5", "3:7 name: must be text, and this is the number 5; put it in quotes"],
  [
    "a list where text belongs",
    14,
    "    run: { a: 1 }",
    "14:10 steps.0.run: must be a script (text) or a command as a list of arguments",
  ],
  [
    "a wrong item of a list",
    17,
    "    run: [/bin/ship, 5]",
    "17:22 steps.1.run.1: must be text, and this is the number 5; put it in quotes",
  ],
  [
    "a duplicate id",
    15,
    "  - id: check",
    "15:9 steps.1.id: another step is already called check; ids are unique in a job",
  ],
  [
    "a duration without unit",
    10,
    "timeout: 30",
    "10:10 timeout: must be a duration like 90s, 15m, 6h, 2d or 1h30m, and this is the number 30: write 30s or 30m",
  ],
  [
    "a duration of an action without unit",
    14,
    "    uses: sleep\n    with: { for: 10 }",
    "15:18 steps.0.with.for: must be a duration like 90s, 15m, 6h, 2d or 1h30m, and this is the number 10: write 10s or 10m",
  ],
  [
    "a size without unit",
    10,
    "limits: { memory: 1 }",
    "10:19 limits.memory: must be a size like 512KiB, 10MiB or 1GiB, and this is the number 1: write 1MiB or 1GiB",
  ],
  [
    "a percentage as a number",
    10,
    "limits: { cpu: 50 }",
    "10:16 limits.cpu: must be a percentage of one processor like 50% or 200%, and this is the number 50: write 50%",
  ],
  [
    "a duration with a wrong unit",
    10,
    "timeout: 30min",
    "10:10 timeout: must be a duration like 90s, 15m, 6h, 2d or 1h30m",
  ],
  [
    "an unknown input type",
    6,
    "  keep_days: { type: int }",
    '6:22 inputs.keep_days.type: "int" is no input type; one of string, integer, number, boolean, choice, list; did you mean integer?',
  ],
  [
    "a default out of range",
    6,
    "  keep_days: { type: integer, default: 140, maximum: 90 }",
    "6:40 inputs.keep_days.default: the default must be at most 90",
  ],
  [
    "a pattern that would backtrack",
    7,
    '  ticket: { type: string, pattern: "^(?=x)" }',
    "7:38 inputs.ticket.pattern: the pattern cannot be used: only plain groups and (?: ) are known: no lookaround, no names",
  ],
  [
    "an unknown input",
    17,
    '    run: [x, "${{ inputs.keep_day }}"]',
    "17:26 steps.1.run.1: there is no input called keep_day; did you mean keep_days?",
  ],
  [
    "an unknown step",
    16,
    "    if: steps.chek.state == 'failed'",
    "16:15 steps.1.if: there is no step before this one called chek; did you mean check?",
  ],
  [
    "an input that expressions could not name",
    6,
    "  in: { type: integer }",
    "6:3 inputs.in: an input name cannot be a word of the expression language",
  ],
  [
    "an input with a dash",
    6,
    "  keep-days: { type: integer }",
    "6:3 inputs.keep-days: an input name has letters, digits and _, starts with a letter, at most 63",
  ],
  [
    "a selector",
    9,
    "  select: env==prod",
    "9:14 targets.select: the selector cannot be read: == is not used here: equality is written =",
  ],
  [
    "a reserved variable",
    11,
    "env: { OC_OUTPUT: x }",
    "11:8 env.OC_OUTPUT: names that start with OC_ or INPUT_ are set by OpsConductor itself",
  ],
  ["a schedule", 2, "kind: Schedule", "2:7 kind: schedules are not supported by this version yet; only kind: Job is"],
  ["a tab", 14, "\trun: df", "14:1 : YAML is indented with spaces; replace this tab by spaces"],
  ["a key alone", 4, "labels", "4:1 : a key needs a colon and then its value"],
  ["a key twice", 4, "name: again", "4:1 : this key stands twice in the same mapping; keep one"],
  ["a merge key", 11, "env: { <<: { A: b } }", "11:8 env: merge keys (<<) are not read; write the keys out"],
  [
    "a user that is a path",
    10,
    "runAs: a/b",
    "10:8 runAs: must be the name of a user of the host: it starts with a letter or _, and has no blanks, colons or slashes",
  ],
  [
    "a bare percentage",
    10,
    'limits: { cpu: "2" }',
    "10:16 limits.cpu: must be a percentage of one processor like 50% or 200%",
  ],
  ["a mistyped limit", 10, "limits: { memry: 1GiB }", "10:11 limits.memry: unknown key memry; did you mean memory?"],
  [
    "a limit of a step",
    14,
    "    run: df\n    limits: { memory: 1KiB }",
    "15:23 steps.0.limits.memory: must be between 4MiB and 1024TiB",
  ],
  [
    "a later key",
    10,
    "notify: [{ on: [failed], channel: ops }]",
    "10:1 notify: notify is not supported yet: this version has no notifications; remove it",
  ],
  [
    "an unknown action",
    14,
    "    uses: temlpate",
    "14:11 steps.0.uses: there is no action called temlpate; did you mean template?",
  ],
  ["an empty value", 14, "    run:", "14:5 steps.0.run: run has no value: write text or remove the key"],
])("%s is refused with its place", (_, line, text, error) => {
  expect(errorsWith(line, text)[0]).toBe(error);
});

test("a value is never put into the text of a script, and the message says what to write", () => {
  const { errors } = parseJob(lines.with(13, "    run: echo ${{ inputs.ticket }}").join("\n"));
  expect(errors[0]).toMatchObject({ line: 14, column: 15, path: "steps.0.run", suggestion: '"$INPUT_TICKET"' });
});

test("several errors are told together, in the order of the text", () => {
  const text = lines.with(3, "lables: {}").with(9, "timeout: x").join("\n");
  expect(errorsOf(text).map((error) => error.split(" ")[0])).toEqual(["4:1", "10:10"]);
});

test.each([
  ["nothing", "", "1:1 : the definition is empty; start with apiVersion, kind and name"],
  ["a comment", "# later\n", "1:1 : the definition is empty; start with apiVersion, kind and name"],
  ["a list", "- 1\n", "1:1 : a job is a mapping of keys: start with apiVersion, kind and name"],
  ["a word", "hello", "1:1 : a job is a mapping of keys: start with apiVersion, kind and name"],
  [
    "two documents",
    "a: 1\n---\nb: 2\n",
    "2:1 : a save holds one job, and this text has 2 documents separated by ---; save each on its own",
  ],
  ["a cycle of aliases", "name: x\nsteps: &a [*a]\n", "2:12 steps.0: the alias *a contains itself"],
  ["an unknown alias", "name: *nobody\n", "1:7 name: there is no anchor &nobody before this alias"],
  [
    "a tag",
    "name: !!js/function x\n",
    "1:7 : tags are not used in jobs: Unresolved tag: tag:yaml.org,2002:js/function",
  ],
  ["another YAML", "%YAML 1.1\n---\nname: no\n", "1:1 : only YAML 1.2 is read; remove the %YAML line"],
  [
    "5 MB",
    "x".repeat(5_000_000),
    "1:1 : the definition is 4.8 MiB; at most 1 MiB is accepted. Put large scripts and files on the host and call them",
  ],
  ["deep brackets", "[".repeat(100_000), "1:1 : nested too deeply to be a job"],
  ["a million values", `a: [${"1,".repeat(400_000)}]`, "1:1 : the definition has more values than a job can have"],
])("%s is refused as a whole", (_, text, error) => {
  expect(errorsOf(text)[0]).toBe(error);
});

test("indentation that overflows the parser is refused", () => {
  expect(errorsOf("- ".repeat(20_000))[0]).toMatch(/nested too deeply to be a job/);
});

test("aliases that would expand to millions of values are refused at once", () => {
  const layers = [..."bcdefghij"].map(
    (name, i) => `${name}: &${name} [${Array(9).fill(`*${"abcdefghi"[i]}`).join(", ")}]`,
  );
  const text = ["a: &a [x, x, x, x, x, x, x, x, x]", ...layers].join("\n");
  expect(errorsOf(text)[0]).toMatch(/aliases expand to more values than a job can have/);
});

test("a script of nearly 1 MiB is no problem for the reader, only for its own limit", () => {
  const script = "    echo hello world\n".repeat(Math.floor(maxDefinitionBytes / 21) - 20);
  const text = `apiVersion: opsconductor/v1\nkind: Job\nname: big\nsteps:\n- run: |\n${script}`;
  expect(errorsOf(text)).toEqual(["5:8 steps.0.run: must have at most 262144 characters"]);
});
