// What can be written at the cursor inside of an expression (`${{ … }}` and `if:`), and after `needs:`: whole paths of
// inputs, outputs, stages. Pure; code-mirror.ts shows it.
import type { JobCompletion, JobCompletions } from "./complete-job.ts";
import type { JobNames, StageNames } from "./job-names.ts";
import { pathAt, spotAt, type YamlPath } from "./yaml-spot.ts";

type Offer = Pick<JobCompletion, "label" | "detail" | "info">;

const facts: readonly (readonly [string, string])[] = [
  ["target.name", "the target's name"],
  ["target.id", "the target's id"],
  ["execution.id", "the execution's id"],
  ["execution.number", "the execution's number"],
  ["execution.job", "the job's name"],
];
const functions: readonly (readonly [string, string])[] = [
  ["success()", "all before it went well"],
  ["failure()", "something before it failed"],
  ["always()", "in any case"],
];

/** Completions at line and column (from 0), or undefined where no expression and no stage is written. */
export function completeExpression(
  names: JobNames,
  lines: readonly string[],
  line: number,
  column: number,
): JobCompletions | undefined {
  const before = (lines[line] ?? "").slice(0, column);
  const condition = isCondition(before);
  if (!condition && !/\$\{\{(?:(?!\}\}).)*$/.test(before)) return needsAt(names, lines, line, column);
  const path = pathAt(lines, line, column);
  if (!path) return undefined;
  const word = /(?:[A-Za-z_]\w*(?:\.[\w-]*|\[["'][\w-]*(?:["']\]?)?)*)?$/.exec(before)?.[0] ?? "";
  return completions(offers(names, path, quoteFor(before), condition), word, column);
}

/** The value of `if`, in a block or in braces. */
const isCondition = (before: string) => /(?:^[\s-]*|[{,]\s*)if:\s(?:(?![,{]\s*\w+:\s).)*$/.test(before);

/** The quotes that do not end the text around the expression. */
const quoteFor = (before: string) => ((before.match(/(?<!\\)"/g)?.length ?? 0) % 2 === 1 ? "'" : '"');

function offers(names: JobNames, path: YamlPath, quote: string, condition: boolean): Offer[] {
  const stage = stageAt(names, path);
  const inSteps = path.some((part) => part === "steps" || part === "onFailure" || part === "finally");
  const member = (owner: string, id: string) =>
    /^[A-Za-z_]\w*$/.test(id) ? `${owner}.${id}` : `${owner}[${quote}${id}${quote}]`;
  const others = names.stages.filter((one) => one.id !== "" && one !== stage);
  return [
    ...names.inputs.map(({ name, detail, info }) => ({ label: `inputs.${name}`, detail, info })),
    ...(stage?.matrix ?? []).map((name) => ({ label: `matrix.${name}`, detail: "item", info: "" })),
    ...(inSteps ? (stage?.steps ?? []) : []).flatMap((step) => [
      ...step.outputs.map((name) => ({
        label: `${member("steps", step.id)}.outputs.${name}`,
        detail: "output",
        info: "",
      })),
      { label: `${member("steps", step.id)}.state`, detail: "state", info: "" },
    ]),
    ...others.flatMap((one) => [
      ...outputsOf(one).map((name) => ({
        label: `${member("stages", one.id)}.outputs.${name}`,
        detail: "output",
        info: "",
      })),
      { label: `${member("stages", one.id)}.state`, detail: "state", info: "" },
    ]),
    ...(inSteps ? facts : facts.slice(2)).map(([label, info]) => ({ label, detail: "", info })),
    ...(condition ? functions : []).map(([label, info]) => ({ label, detail: "", info })),
  ];
}

const outputsOf = (stage: StageNames) => [...new Set(stage.steps.flatMap((step) => step.outputs))];

function stageAt({ stages }: JobNames, path: YamlPath): StageNames | undefined {
  return stages.find((stage) => (path[0] === "stages" ? stage.id === path[1] : stage.id === ""));
}

/** The stages that a stage can wait for. */
function needsAt(names: JobNames, lines: readonly string[], line: number, column: number): JobCompletions | undefined {
  const spot = spotAt(lines, line, column);
  if (spot?.path[0] !== "stages" || spot.path[2] !== "needs") return undefined;
  const written = new Set((lines[line] ?? "").match(/[\w-]+/g));
  const other = names.stages.filter(
    ({ id }) => id !== "" && id !== spot.path[1] && (id === spot.word || !written.has(id)),
  );
  const found = other.map(({ id }) => ({ label: id, detail: "stage", info: "" }));
  return completions(found, spot.word, column);
}

function completions(found: readonly Offer[], word: string, column: number): JobCompletions | undefined {
  if (found.length === 0) return undefined;
  const options = found.map((offer) => ({ ...offer, kind: "value" as const, insert: offer.label, required: false }));
  return { from: column - word.length, word, kind: "value", options };
}
