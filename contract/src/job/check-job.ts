// What must agree inside a job that has the right shape: unique ids, references, expressions, selectors, defaults.
// Used by parse-job.ts. Pure.
import { checkAction } from "./actions/check-action.ts";
import { checkConditionText, type JobError, placed } from "./check-parts.ts";
import { checkStages } from "./check-stages.ts";
import { checkTargets } from "./check-targets.ts";
import type { ExpressionNames } from "./expression.ts";
import { inputEnvironmentName, inputProblem } from "./inputs.ts";
import type { InputSpec, Job } from "./job-schema.ts";
import { type JobStage, jobStages } from "./job-stages.ts";
import { type PlacedStep, stageNames, stageSteps } from "./job-steps.ts";
import { compilePattern, PatternError } from "./pattern.ts";
import { checkTemplate, templateOpening } from "./template.ts";
import type { Path } from "./yaml-values.ts";

export function checkJob(job: Job): JobError[] {
  const stages = jobStages(job);
  return [
    ...checkInputSpecs(job.inputs),
    ...checkTargets(job.targets, ["targets"]),
    ...checkShape(job),
    ...(job.stages ? checkStages(job, stages) : []),
    ...stages.flatMap((stage) => [...checkStepIds(job, stage), ...stageSteps(job, stage).flatMap(checkStep)]),
    ...checkEnv(job.env, ["env"], firstNames(job, { id: "", matrix: undefined })),
    ...stages.flatMap((stage) =>
      checkEnv(job.stages?.[stage.id]?.env ?? {}, [...stage.path, "env"], firstNames(job, stage)),
    ),
  ];
}

/** What the environment of a whole stage may name: nothing of its steps. */
const firstNames = (job: Job, stage: Pick<JobStage, "id" | "matrix">): ExpressionNames => ({
  ...stageNames(job, stage),
  place: undefined,
});

/** A job has steps or stages. */
function checkShape(job: Job): JobError[] {
  if (!job.stages)
    return job.steps.length > 0
      ? []
      : [{ path: ["steps"], message: "steps is missing: a job has steps, or stages", atKey: true }];
  return (["steps", "onFailure", "finally"] as const)
    .filter((key) => job[key].length > 0)
    .map((key) => ({
      path: [key],
      message: `a job with stages has no ${key} of its own: write them inside a stage`,
      atKey: true,
    }));
}

/** `${{ }}` is legal in argv items, env, with and if. Everywhere else it would be text that looks like more. */
export function checkTemplatePlaces(value: unknown, path: Path = []): JobError[] {
  if (typeof value === "string") return misplacedTemplate(value, path);
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    checkTemplatePlaces(item, [...path, Array.isArray(value) ? Number(key) : key]),
  );
}

function misplacedTemplate(text: string, path: Path): JobError[] {
  const offset = text.indexOf(templateOpening);
  if (offset < 0 || templateAllowed(path)) return [];
  const inScript = path.at(-1) === "run";
  const name = /^\$\{\{\s*inputs\.(\w+)\s*\}\}/.exec(text.slice(offset))?.[1];
  const variable = name ? `"$${inputEnvironmentName(name)}"` : 'the environment, e.g. "$INPUT_NAME"';
  const message = inScript
    ? `\${{ }} is never put into the text of a script, because a value could then be code: use ${variable}, or pass it through env`
    : `\${{ }} may stand only in env, in with, in if and in the items of a run list`;
  return [name && inScript ? { path, message, offset, suggestion: variable } : { path, message, offset }];
}

function templateAllowed(path: Path): boolean {
  if (path[0] === "stages" && path.length > 2) return stageTemplateAllowed(path.slice(2));
  if (path.length === 2 && path[0] === "env") return true;
  const inStep = ["steps", "onFailure", "finally"].includes(String(path[0]));
  const key = path[2];
  if (!inStep) return false;
  if (key === "with") return path.length > 3;
  return (path.length === 4 && (key === "run" || key === "env")) || (path.length === 3 && key === "if");
}

/** Inside a stage also in its condition, in what another job is given, in the matrix, and in its selector. */
function stageTemplateAllowed(path: Path): boolean {
  if (path.length === 1) return path[0] === "if";
  if (path[0] === "inputs" || (path[0] === "matrix" && path.length === 2)) return true;
  return (path[0] === "targets" && path[1] === "select") || templateAllowed(path);
}

function checkInputSpecs(inputs: Job["inputs"]): JobError[] {
  const seen = new Map<string, string>();
  return Object.entries(inputs).flatMap(([name, spec]) => {
    const variable = inputEnvironmentName(name);
    const other = seen.get(variable);
    seen.set(variable, name);
    const clash: JobError[] = other
      ? [{ path: ["inputs", name], message: `${name} and ${other} would both be ${variable}; rename one`, atKey: true }]
      : [];
    return [...clash, ...checkInputSpec(["inputs", name], spec)];
  });
}

function checkInputSpec(path: Path, spec: InputSpec): JobError[] {
  const errors = [...checkBounds(path, spec), ...checkPattern(path, spec)];
  if (spec.required && spec.default !== undefined) {
    errors.push({
      path: [...path, "required"],
      message: "an input with a default is never missing; remove required or default",
    });
  }
  if (errors.length > 0 || spec.default === undefined) return errors;
  const problem = inputProblem(spec, spec.default);
  return problem ? [{ path: [...path, "default"], message: `the default ${problem}` }] : [];
}

function checkBounds(path: Path, spec: InputSpec): JobError[] {
  const bounds = spec as Record<string, unknown>;
  for (const [low, high] of [
    ["minimum", "maximum"],
    ["minLength", "maxLength"],
    ["minItems", "maxItems"],
  ] as const) {
    const [least, most] = [bounds[low], bounds[high]];
    if (typeof least === "number" && typeof most === "number" && least > most) {
      return [{ path: [...path, low], message: `${low} ${least} is more than ${high} ${most}` }];
    }
  }
  return [];
}

function checkPattern(path: Path, spec: InputSpec): JobError[] {
  if (spec.type !== "string" || spec.pattern === undefined) return [];
  try {
    compilePattern(spec.pattern);
    return [];
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    return [
      { path: [...path, "pattern"], message: `the pattern cannot be used: ${error.message}`, offset: error.offset },
    ];
  }
}

function checkStepIds(job: Job, stage: JobStage): JobError[] {
  const seen = new Set<string>();
  return stageSteps(job, stage).flatMap(({ id, path }): JobError[] => {
    const twice = seen.has(id);
    seen.add(id);
    const where = job.stages ? "stage" : "job";
    return twice
      ? [{ path: [...path, "id"], message: `another step is already called ${id}; ids are unique in a ${where}` }]
      : [];
  });
}

function checkStep(step: PlacedStep): JobError[] {
  const { spec, path } = step;
  return [
    ...checkWork(step, path),
    ...checkCondition(step, path),
    ...checkEnv(spec.env ?? {}, [...path, "env"], step.names),
  ];
}

function checkWork(step: PlacedStep, path: Path): JobError[] {
  const { run, uses, with: parameters, shell, check } = step.spec;
  const wrong = (key: string, message: string): JobError[] => [{ path: [...path, key], message, atKey: true }];
  if (run === undefined && uses === undefined)
    return wrong("run", "run is missing: write the script or the command of this step, or uses with an action");
  if (run !== undefined && uses !== undefined) return wrong("uses", "a step has run or uses, not both");
  if (run !== undefined)
    return parameters === undefined
      ? checkCommand(step, run, path)
      : wrong("with", "with belongs to uses; a script gets its values through env, a list through its items");
  if (shell !== undefined) return wrong("shell", "an action needs no shell; remove it");
  if (check !== undefined) return wrong("check", "check is for scripts: every action knows check mode; remove it");
  return checkAction(uses!, parameters, path, step.names);
}

function checkCommand({ spec, names }: PlacedStep, run: string | string[], path: Path): JobError[] {
  const list = Array.isArray(run);
  if (list && spec.shell !== undefined && spec.shell !== "exec") {
    return [
      {
        path: [...path, "shell"],
        message: "a run list starts its program without any shell; remove shell, or write run as text",
      },
    ];
  }
  if (!list && spec.shell === "exec") {
    return [{ path: [...path, "run"], message: "shell: exec takes run as a list: program and arguments" }];
  }
  if (!Array.isArray(run)) return [];
  if (run[0]!.trim() === "") return [{ path: [...path, "run", 0], message: "the first item is the program to start" }];
  return run.flatMap((item, i) => placed(checkTemplate(item, names), [...path, "run", i]));
}

function checkCondition({ spec, names }: PlacedStep, path: Path): JobError[] {
  return checkConditionText(spec.if, names, [...path, "if"]);
}

function checkEnv(env: Record<string, string>, path: Path, names: ExpressionNames): JobError[] {
  return Object.entries(env).flatMap(([key, value]) => placed(checkTemplate(value, names), [...path, key]));
}
