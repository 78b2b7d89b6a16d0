// The matrix of a stage: its combinations, and their items in its selector. Called by plan-flow.ts. Pure.
import { OcError } from "@opsconductor/contract/errors";
import { listInputOf } from "@opsconductor/contract/job/check-stages";
import { maxMatrixItems } from "@opsconductor/contract/job/job-schema";
import type { JobStage } from "@opsconductor/contract/job/job-stages";
import type { TargetPlan } from "@opsconductor/contract/job/plan-stage";
import { interpolate } from "@opsconductor/contract/job/template";

/** What nobody can say before the execution gives its inputs: of a draft no mistake. */
export class KnownLater extends OcError {}

interface Surroundings {
  /** Undefined: known only when the stage that calls the job begins, or when there is an execution. */
  inputs: Record<string, unknown> | undefined;
  scope: string;
}

export function combine(stage: JobStage, s: Surroundings): Record<string, string>[] {
  let all: Record<string, string>[] = [{}];
  for (const [name, items] of Object.entries(stage.matrix!)) {
    const list = Array.isArray(items) ? items : listOf(stage, s, items);
    all = all.flatMap((one) => list.map((item) => ({ ...one, [name]: item })));
    if (all.length > 256) throw refuse(`Stage ${s.scope}${stage.id}: its matrix has more than 256 combinations.`);
  }
  if (all.length === 0) throw refuse(`Stage ${s.scope}${stage.id}: its matrix is empty: give at least one item.`);
  return all;
}

function listOf(stage: JobStage, s: Surroundings, template: string): string[] {
  if (!s.inputs && s.scope === "")
    throw new KnownLater(
      "failed_precondition",
      `Stage ${stage.id}: how often it is repeated depends on the input ${listInputOf(template)}.`,
    );
  if (!s.inputs)
    throw refuse(
      `Stage ${s.scope}${stage.id}: a matrix of an input must be known before the start, and this one comes from another stage.`,
    );
  const input = listInputOf(template)!;
  const items = (s.inputs[input] as string[] | undefined) ?? [];
  const problem = problemOfItems(items);
  if (problem) throw refuse(`Stage ${s.scope}${stage.id}: its matrix repeats the input ${input}: ${problem}.`);
  return items;
}

/** What a list that stands in the definition is refused for when the job is saved. */
function problemOfItems(items: readonly string[]): string | undefined {
  if (items.length > maxMatrixItems) return `it has ${items.length} items, and ${maxMatrixItems} are allowed`;
  if (items.includes("")) return "an item is empty; remove it";
  const twice = items.find((item, i) => items.indexOf(item) < i);
  return twice === undefined ? undefined : `${JSON.stringify(twice)} stands there twice; keep one`;
}

/** Items are put into a selector only as single words, so that none of them can change what it means. */
export function withMatrix(targets: TargetPlan, matrix: Record<string, string> | null, stage: JobStage): TargetPlan {
  if (!matrix || targets.select === undefined || !targets.select.includes("${{")) return targets;
  const bad = Object.values(matrix).find((item) => !/^[A-Za-z0-9._:@-]{1,253}$/.test(item));
  if (bad !== undefined)
    throw refuse(
      `Stage ${stage.id}: ${JSON.stringify(bad)} cannot stand in a selector: only letters, digits and . _ : @ -`,
    );
  const scope = {
    matrix,
    inputs: {},
    steps: {},
    target: { id: "", name: "" },
    execution: { id: "", number: 0, job: "" },
  };
  const names = { inputs: {}, steps: {}, matrix: Object.keys(matrix) };
  return { ...targets, select: interpolate(targets.select, names, { ...scope, outcome: "success" }) };
}

const refuse = (message: string) => new OcError("failed_precondition", message);
