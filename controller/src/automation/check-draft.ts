// Whether text that is not saved would run, and where: planned like an execution, with what would be refused noted beside
// its place. Nothing is made. Called by POST jobs/check, which the editor uses.
import type { DraftCheck } from "@opsconductor/contract/api/jobs";
import { checkInputs } from "@opsconductor/contract/job/inputs";
import type { Job } from "@opsconductor/contract/job/job-schema";
import { readYaml, type YamlDocument } from "@opsconductor/contract/job/yaml-document";
import type { Permission } from "@opsconductor/contract/permissions";
import type { Actor, Context } from "../context.ts";
import { grantsWith, mayAnywhere, mayEverywhere } from "../identity/grants.ts";
import { countTargets } from "./count-targets.ts";
import { type Draft, isRefusal, unsaved } from "./draft-flow.ts";
import { selectJob } from "./job-queries.ts";
import { presentStage } from "./plan-execution.ts";
import { type FrozenVersion, type PlannedStage, planFlow } from "./plan-flow.ts";
import { type DefinitionInput, tryDefinition } from "./read-definition.ts";

export async function checkDraft(ctx: Context, actor: Actor, { bytes }: DefinitionInput): Promise<DraftCheck> {
  const { job, errors } = tryDefinition(bytes);
  const nothing = { wouldRun: false, problems: [], notes: [], targetCount: 0, limited: false, stages: [] };
  if (!job) return { valid: false, errors, ...nothing };
  const draft: Draft = { problems: [], notes: new Set() };
  const planned = await planDraft(ctx, actor, job, draft);
  const document = readYaml(new TextDecoder().decode(bytes));
  return {
    ...{ valid: true, errors: [], name: job.name, stages: planned.map(presentStage) },
    wouldRun: draft.problems.length === 0 && mayAnywhere(actor, "jobs:execute"),
    problems: draft.problems.map((problem) => placed(problem, job, document)),
    notes: [...draft.notes],
    targetCount: countTargets(planned),
    limited:
      isLimited(actor, "targets:read") || (mayAnywhere(actor, "jobs:execute") && isLimited(actor, "jobs:execute")),
  };
}

async function planDraft(ctx: Context, actor: Actor, job: Job, draft: Draft): Promise<PlannedStage[]> {
  const { values, errors } = checkInputs(job.inputs, {});
  if (!mayAnywhere(actor, "jobs:execute"))
    draft.notes.add("You may not run jobs: the targets are those of them that you may read.");
  for (const { message } of errors) draft.notes.add(`To be given for each execution: ${message}.`);
  const version = await asVersion(ctx, actor, job);
  const inputs = errors.length > 0 ? undefined : values;
  try {
    return await ctx.sql.begin((tx) => planFlow({ ctx, tx, actor, choice: undefined, draft }, version, inputs));
  } catch (error) {
    if (!isRefusal(error)) throw error;
    draft.problems.push({ stage: "", message: error.message });
    return [];
  }
}

/** Of the job that has this name already, when there is one: what calls that one would call this text. */
async function asVersion(ctx: Context, actor: Actor, job: Job): Promise<FrozenVersion> {
  const found = await selectJob(ctx.sql, actor, job.name);
  return {
    ...{ jobId: found?.id ?? ctx.newId(), jobName: job.name, spec: job, brake: null },
    ...{ version: unsaved, latestVersion: found?.latestVersion ?? unsaved, sha256: new Uint8Array() },
  };
}

function isLimited(actor: Actor, permission: Permission): boolean {
  const whole = grantsWith(actor, permission).some(({ scope }) => scope.kind === "everything");
  return !mayEverywhere(actor, permission) && !whole;
}

function placed({ stage, message }: Draft["problems"][number], job: Job, document: YamlDocument) {
  const place = document.locate(placeOf(job, stage.split("/")[0]!));
  return { stage: job.stages && stage ? stage : null, message, ...place };
}

/** What the stage of the text says of a job or of targets, which are what can be refused. */
function placeOf(job: Job, id: string): string[] {
  const stage = job.stages?.[id];
  if (stage?.job !== undefined) return ["stages", id, "job"];
  const [base, targets] = stage?.targets ? [["stages", id], stage.targets] : [[], job.targets];
  if (targets) return [...base, "targets", targets.select === undefined ? "names" : "select"];
  return stage ? ["stages", id] : [];
}
