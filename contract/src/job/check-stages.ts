// What must agree between the stages of a workflow: known needs without a cycle, what belongs together, expressions.
// Used by check-job.ts. Pure.
import { checkConditionText, type JobError, placed } from "./check-parts.ts";
import { checkTargets } from "./check-targets.ts";
import type { ExpressionNames } from "./expression.ts";
import type { Job, StageSpec } from "./job-schema.ts";
import type { JobStage } from "./job-stages.ts";
import { stageNames } from "./job-steps.ts";
import { suggest } from "./suggest.ts";
import { bareCondition, checkTemplate, matrixNamesIn, templateOpening } from "./template.ts";
import type { Path } from "./yaml-values.ts";

export function checkStages(job: Job, stages: readonly JobStage[]): JobError[] {
  return [
    ...stages.flatMap((stage) => checkNeeds(stage, stages)),
    ...checkCycles(stages),
    ...stages.flatMap((stage) => checkStage(job, stage, job.stages![stage.id]!)),
  ];
}

function checkNeeds(stage: JobStage, stages: readonly JobStage[]): JobError[] {
  const others = stages.map(({ id }) => id).filter((id) => id !== stage.id);
  return stage.needs.flatMap((need, i): JobError[] => {
    const path = [...stage.path, "needs", i];
    if (need === stage.id) return [{ path, message: `the stage ${need} cannot need itself` }];
    if (stage.needs.indexOf(need) < i) return [{ path, message: `${need} stands here twice; keep one` }];
    if (others.includes(need)) return [];
    const suggestion = suggest(need, others);
    if (suggestion) return [{ path, message: `there is no stage ${need}; did you mean ${suggestion}?`, suggestion }];
    return [
      {
        path,
        message: `there is no stage ${need}${others.length > 0 ? `; there is ${others.slice(0, 10).join(", ")}` : ""}`,
      },
    ];
  });
}

/** One error for each way that leads back to where it started, at the need that closes it. */
function checkCycles(stages: readonly JobStage[]): JobError[] {
  const byId = new Map(stages.map((stage) => [stage.id, stage]));
  const done = new Set<string>();
  const errors: JobError[] = [];
  const visit = (stage: JobStage, way: readonly string[]) => {
    for (const [i, need] of stage.needs.entries()) {
      const next = byId.get(need);
      if (!next || need === stage.id || done.has(need)) continue;
      const from = way.indexOf(need);
      if (from < 0) visit(next, [...way, need]);
      else errors.push({ path: [...stage.path, "needs", i], message: cycleMessage([...way.slice(from), need]) });
    }
    done.add(stage.id);
  };
  for (const stage of stages) if (!done.has(stage.id)) visit(stage, [stage.id]);
  return errors;
}

const cycleMessage = (way: readonly string[]) =>
  `these stages wait for each other: ${way.join(" needs ")}; remove one of these needs`;

function checkStage(job: Job, stage: JobStage, spec: StageSpec): JobError[] {
  const names = stageNames(job, stage);
  return [
    ...checkKind(spec, stage.path),
    ...checkTargets(spec.targets, [...stage.path, "targets"]),
    ...checkSelectTemplate(spec, stage),
    ...checkConditionText(spec.if, names, [...stage.path, "if"]),
    ...checkMatrix(job, spec, stage.path),
    ...Object.entries(spec.inputs ?? {}).flatMap(([key, value]) =>
      checkInputValue(value, names, [...stage.path, "inputs", key]),
    ),
  ];
}

/** A stage has steps of its own or calls another job. */
function checkKind(spec: StageSpec, path: Path): JobError[] {
  const wrong = (key: string, message: string): JobError => ({ path: [...path, key], message, atKey: true });
  if (spec.job === undefined) {
    if (spec.inputs)
      return [wrong("inputs", "inputs are for another job: a stage with steps uses those of its own job")];
    if (!spec.steps?.length)
      return [{ path, message: "a stage needs steps, or another job (job: <name>)", atKey: true }];
    return [];
  }
  const own = (["steps", "onFailure", "finally", "env", "timeout", "rollout"] as const).filter((key) => {
    const value = spec[key];
    return Array.isArray(value) ? value.length > 0 : value !== undefined;
  });
  return own.map((key) => wrong(key, `a stage that calls another job has no ${key}: the other job says it`));
}

/** Only the matrix: selectors are text that is read, so nothing a person or a host says may get into one. */
function checkSelectTemplate(spec: StageSpec, stage: JobStage): JobError[] {
  const select = spec.targets?.select;
  if (!select?.includes(templateOpening)) return [];
  const path = [...stage.path, "targets", "select"];
  const named = matrixNamesIn(select);
  if (!named) return [{ path, message: "a selector takes only ${{ matrix.<name> }}, nothing else of ${{ }}" }];
  const missing = named.find((name) => !Object.hasOwn(spec.matrix ?? {}, name));
  return missing === undefined ? [] : [{ path, message: `the matrix has no list ${missing}` }];
}

function checkMatrix(job: Job, spec: StageSpec, path: Path): JobError[] {
  return Object.entries(spec.matrix ?? {}).flatMap(([name, items]): JobError[] => {
    if (Array.isArray(items)) {
      const twice = items.find((item, i) => items.indexOf(item) < i);
      return twice === undefined
        ? []
        : [{ path: [...path, "matrix", name], message: `${twice} stands here twice; keep one` }];
    }
    const input = listInputOf(items);
    if (input !== undefined && job.inputs[input]?.type === "list") return [];
    const message = "must be a list of texts, or ${{ inputs.<name> }} of an input of type list";
    return [{ path: [...path, "matrix", name], message }];
  });
}

/** `${{ inputs.regions }}` → regions. */
export function listInputOf(text: string): string | undefined {
  return /^inputs\s*\.\s*([A-Za-z]\w*)$/.exec(bareCondition(text))?.[1];
}

function checkInputValue(value: unknown, names: ExpressionNames, path: Path): JobError[] {
  if (typeof value === "string") return placed(checkTemplate(value, names), path);
  if (!Array.isArray(value)) return [];
  return value.flatMap((item, i) => placed(checkTemplate(String(item), names), [...path, i]));
}
