// The stages of an execution as rows, before there is one: workflows that are called and matrices unfolded, every job
// version frozen, every target resolved, batches dealt out. Called by create-flow.ts, and by plan-execution.ts for the
// preview that runs nothing.
import { OcError } from "@opsconductor/contract/errors";
import { msOf } from "@opsconductor/contract/job/duration";
import { ExpressionError, type ExpressionNames, type InputValue } from "@opsconductor/contract/job/expression";
import type { Job } from "@opsconductor/contract/job/job-schema";
import { type JobStage, jobStages, mainStage } from "@opsconductor/contract/job/job-stages";
import { stageNames } from "@opsconductor/contract/job/job-steps";
import { parseJob } from "@opsconductor/contract/job/parse-job";
import {
  conditionOf,
  planStage,
  planTargets,
  type StagePlan,
  type TargetPlan,
} from "@opsconductor/contract/job/plan-stage";
import { resolveTargets, type TargetChoice } from "../assets/resolve-targets.ts";
import type { Actor, Context, Query } from "../context.ts";
import { grantsWith } from "../identity/grants.ts";
import { describeLocks, fitLocks, grantsToRun, mayRun } from "../identity/locked-inputs.ts";
import { reachToExecute } from "../identity/reach-to-execute.ts";
import { type ChosenAssignment, chooseAssignments } from "./choose-assignments.ts";
import { type Batches, dealBatches } from "./choose-batches.ts";
import { type Draft, draftReach, suggestJob, tolerated, unsaved } from "./draft-flow.ts";
import { givenInputs, type StageCall } from "./flow-state.ts";
import { type RunnableVersion, selectRunnable } from "./job-queries.ts";
import { loadDefinition } from "./offer-message.ts";
import { combine, withMatrix } from "./plan-matrix.ts";
import type { Resumed } from "./resume-flow.ts";

export type FrozenVersion = Omit<RunnableVersion, "version"> & { version: number };

export interface PlannedStage {
  id: string;
  name: string;
  parent: string | null;
  scope: string;
  isGroup: boolean;
  needs: string[];
  condition: string;
  names: ExpressionNames;
  call: StageCall | null;
  inputs: Record<string, unknown> | null;
  matrix: Record<string, string> | null;
  /** Longest time of all of it. */
  deadlineMs: number | null;
  /** Of a stage with steps: what agents are given, and where. */
  work: PlannedWork | null;
}

export interface PlannedWork {
  version: FrozenVersion;
  stageId: string;
  plan: StagePlan;
  targets: TargetPlan;
  chosen: ChosenAssignment[];
  batches: Batches;
}

const maxDepth = 5;
const maxStages = 500;
const maxAssignments = 100_000;

interface Planning {
  ctx: Context;
  tx: Query;
  actor: Actor;
  /** Id of the job that somebody executes. */
  called: string;
  /** Its own definition asks for approval, which then is about all stages. */
  approved: boolean;
  choice: TargetChoice | undefined;
  /** The execution that this one goes on from. */
  resumed?: Resumed | undefined;
  /** Of text that is not saved: what would be refused is noted, and the rest goes on. */
  draft?: Draft | undefined;
  stages: PlannedStage[];
  resolved: Map<string, ReturnType<typeof resolveTargets>>;
  choiceUsed: boolean;
}

/** The job that a stage stands in. */
interface Surroundings {
  version: FrozenVersion;
  job: Job;
  /** Undefined: known only when the stage that calls it begins. */
  inputs: Record<string, unknown> | undefined;
  scope: string;
  parent: string | null;
  /** Ids of the jobs that lead here. */
  way: readonly { id: string; name: string }[];
}

export async function planFlow(
  { ctx, tx, actor, choice, resumed, draft }: Pick<Planning, "ctx" | "tx" | "actor" | "choice" | "resumed" | "draft">,
  version: FrozenVersion,
  inputs: Surroundings["inputs"],
): Promise<PlannedStage[]> {
  const found = { stages: [], resolved: new Map(), choiceUsed: false };
  const p: Planning = {
    ctx,
    tx,
    actor,
    choice,
    resumed,
    draft,
    called: version.jobId,
    approved: version.spec.approval !== undefined,
    ...found,
  };
  const job = await readJob(p, version);
  const way = [{ id: version.jobId, name: version.jobName }];
  await unfold(p, { version, job, inputs, scope: "", parent: null, way });
  const assignments = p.stages.reduce((sum, stage) => sum + (stage.work?.chosen.length ?? 0), 0);
  if (assignments > maxAssignments)
    throw refuse(`All stages together would touch ${assignments} targets; one execution takes ${maxAssignments}.`);
  if (choice && !p.choiceUsed)
    throw refuse("Every stage of this workflow names its own targets: run it without choosing targets.");
  return p.stages;
}

/** In the order of its text: PostgreSQL keeps no order of keys. */
async function readJob({ ctx, tx }: Planning, { jobId, version, spec }: FrozenVersion): Promise<Job> {
  if (!spec.stages || version === unsaved) return spec;
  const { definition } = await loadDefinition(tx, ctx.automation.dispatcher.definitions, jobId, version);
  return parseJob(Buffer.from(definition).toString("utf8")).job ?? spec;
}

/** Else a workflow around it would be a way past its approval. One of the workflow's own covers all that it calls. */
function refuseUnapproved(p: Planning, caller: Surroundings, { spec, jobName }: FrozenVersion): void {
  if (!spec.approval || p.approved) return;
  throw refuse(
    `${jobName} asks for approval, and ${caller.way[0]!.name}, which calls it, does not: give that an approval of its own, or run ${jobName} by itself.`,
  );
}

/** Calling a job is running it: with inputs that the caller's rights allow. */
function refuseLocked(
  p: Planning,
  at: string,
  { jobId, jobName }: FrozenVersion,
  inputs: Surroundings["inputs"],
): void {
  if (mayRun(fitLocks(p.actor, inputs), jobId)) return;
  const only = grantsToRun(p.actor, jobId).map(({ lockedInputs }) => describeLocks(lockedInputs));
  if (p.draft) return void p.draft.notes.add(`You may not run ${jobName} so, which stage ${at} calls.`);
  const unknown = inputs ? "" : ", and its inputs are known only when the stage begins";
  throw refuse(`Stage ${at}: you may run ${jobName} only with ${[...new Set(only)].join("; or ")}${unknown}.`);
}

async function unfold(p: Planning, s: Surroundings): Promise<void> {
  for (const stage of jobStages(s.job)) await tolerated(p.draft, s.scope + stage.id, () => unfoldStage(p, s, stage));
}

async function unfoldStage(p: Planning, s: Surroundings, stage: JobStage): Promise<void> {
  const names = stageNames(s.job, stage);
  const row = {
    ...{ id: s.scope + stage.id, name: stage.name, parent: s.parent, scope: s.scope, names },
    needs: stage.needs.map((need) => s.scope + need),
    condition: conditionOf(stage.condition),
    deadlineMs: msOf(stage.deadline),
  };
  if (!stage.matrix) {
    await addStage(p, s, stage, { ...row, matrix: null });
    return;
  }
  push(p, { ...row, isGroup: true, call: null, inputs: null, matrix: null, work: null });
  const combinations = combine(stage, s);
  for (const [i, matrix] of combinations.entries()) {
    const id = `${row.id}/${i + 1}`;
    const name = `${stage.name} (${Object.values(matrix).join(", ")})`;
    // What the stages before said is decided for all of them at once.
    const part = { parent: row.id, needs: [], condition: "always()", deadlineMs: null };
    await addStage(p, s, stage, { ...row, ...part, id, name, matrix });
  }
}

type StageRowBase = Omit<PlannedStage, "isGroup" | "call" | "inputs" | "work">;

async function addStage(p: Planning, s: Surroundings, stage: JobStage, row: StageRowBase): Promise<void> {
  if (!stage.call) {
    const work = await planWork(p, row, s, stage);
    push(p, { ...row, isGroup: false, call: null, inputs: null, work });
    return;
  }
  const child = await freeze(p, s, row.id, stage.call.job);
  refuseUnapproved(p, s, child);
  const job = await readJob(p, child);
  const call = { inputs: stage.call.inputs, specs: job.inputs };
  const inputs = knownInputs(s, row, call);
  refuseLocked(p, row.id, child, inputs);
  row.deadlineMs = shorter(row.deadlineMs, msOf(job.deadline));
  const own = s.job.stages?.[stage.id]?.targets;
  if (!job.stages) {
    const [main] = jobStages(job);
    const targets = own ?? job.targets ?? s.job.targets;
    const chooser = own || !job.targets ? s : { version: child, inputs };
    const working = { version: child, job, inputs };
    const work = await planWork(p, row, working, { ...main!, targets }, { chooser, own: own !== undefined });
    push(p, { ...row, isGroup: false, call, inputs: inputs ?? null, work });
    return;
  }
  if (own)
    throw refuse(`Stage ${row.id}: ${child.jobName} is a workflow, whose stages name their targets; remove targets.`);
  push(p, { ...row, isGroup: true, call, inputs: inputs ?? null, work: null });
  const way = [...s.way, { id: child.jobId, name: child.jobName }];
  await unfold(p, { version: child, job, inputs, scope: `${row.id}/`, parent: row.id, way });
}

/** A job that says how long it may take says so also where it is called. */
const shorter = (a: number | null, b: number | null) => (a === null ? b : b === null ? a : Math.min(a, b));

function push(p: Planning, stage: PlannedStage): void {
  if (p.stages.length >= maxStages) throw refuse(`The workflow unfolds to more than ${maxStages} stages.`);
  p.stages.push(stage);
}

async function freeze(p: Planning, s: Surroundings, at: string, name: string): Promise<FrozenVersion> {
  const found = await selectRunnable(p.tx, p.actor, name, undefined, p.draft && "jobs:read");
  if (!found) throw refuse(`Stage ${at}: ${await suggestJob(p.tx, p.actor, name, s.way)}`);
  const names = [...s.way.map((step) => step.name), found.jobName].join(" → ");
  if (s.way.some(({ id }) => id === found.jobId)) throw refuse(`These jobs call each other in a circle: ${names}.`);
  if (s.way.length >= maxDepth) throw refuse(`Jobs call each other more than ${maxDepth} deep: ${names}.`);
  const frozen = p.resumed?.versions.get(found.jobId);
  const version = frozen === undefined ? found : await selectRunnable(p.tx, p.actor, found.jobId, frozen);
  return { ...(version ?? found), version: frozen ?? found.latestVersion };
}

/** When they depend on nothing that is still to happen: then a mistake shows before anything runs. */
function knownInputs(s: Surroundings, row: StageRowBase, call: StageCall): Record<string, InputValue> | undefined {
  if (!s.inputs || readsStages(call.inputs)) return undefined;
  try {
    return givenInputs({ stageId: row.id, names: row.names }, call, {
      inputs: s.inputs as Record<string, InputValue>,
      ...{ steps: {}, stages: {}, target: { id: "", name: "" } },
      ...(row.matrix ? { matrix: row.matrix } : {}),
      execution: { id: "", number: 0, job: s.way[0]!.name },
      outcome: "success",
    });
  } catch (error) {
    if (error instanceof ExpressionError) throw refuse(`The inputs do not fit: ${error.message}`);
    throw error;
  }
}

/** Also true for an execution's number, which is not known either. */
const readsStages = (inputs: Record<string, unknown>): boolean => /\b(stages|execution)\b/.test(JSON.stringify(inputs));

async function planWork(
  p: Planning,
  { id, matrix }: StageRowBase,
  working: Pick<Surroundings, "version" | "job" | "inputs">,
  stage: JobStage,
  { chooser, own } = { chooser: working as WithInputs, own: working.job.stages?.[stage.id]?.targets !== undefined },
): Promise<PlannedWork> {
  const { version, job } = working;
  const targets = withMatrix(planTargets(stage), matrix, stage);
  const plan = planStage(job, stage.id)!;
  const chosen = await chooseTargets(p, { id, version, inputs: working.inputs, chooser, own, job, stage, targets });
  const batches = dealBatches(chosen, stage.rollout, plan.steps.filter(({ phase }) => phase === "steps").length);
  return { version, stageId: stage.id, plan, targets, chosen, batches };
}

type WithInputs = Pick<Surroundings, "version" | "inputs">;

interface Choosing extends WithInputs {
  id: string;
  /** In whose definition the targets stand. */
  chooser: WithInputs;
  /** The stage names them itself: then nobody else chooses. */
  own: boolean;
  job: Job;
  stage: JobStage;
  targets: TargetPlan;
}

async function chooseTargets(p: Planning, choosing: Choosing): Promise<ChosenAssignment[]> {
  const { id, version, own, job, stage, targets } = choosing;
  const before = p.resumed?.stages.get(id);
  if (before?.state === "succeeded") return [];
  const frozen = before && before.targets.length > 0 ? { names: before.targets } : undefined;
  const choice = frozen ?? (own ? choiceOf(targets) : (p.choice ?? choiceOf(targets)));
  p.choiceUsed ||= choice !== undefined && choice === p.choice;
  if (!choice) {
    const none = `${stage.id === mainStage ? version.jobName : `Stage ${stage.id}`} names no targets itself: choose them for`;
    if (!p.draft) throw refuse(`${none} this execution.`);
    p.draft.notes.add(`${none} each execution.`);
    return [];
  }
  const besides = isTrusted(p, choosing) ? choiceOf(targets) : undefined;
  const actor = fitLocks(p.actor, choosing.inputs);
  const key = JSON.stringify([choice, besides, grantsWith(actor, "jobs:execute").map((grant) => grant.id)]);
  const reach = p.draft ? draftReach(p.actor) : { permission: "jobs:execute" as const, besides };
  const resolving = p.resolved.get(key) ?? resolveTargets(p.ctx, actor, choice, p.tx, reach);
  p.resolved.set(key, resolving);
  const wanted = "select" in choice ? `The selector ${choice.select}` : "The list of names";
  return chooseAssignments(await resolving, targets, job.stages ? `Stage ${stage.id}: ${wanted}` : wanted);
}

/**
 * Whether a grant on the job lets the actor reach what it chooses. Not where a workflow of the actor's own chooses in its
 * place, nor where people would have to approve first, whom calling the job leaves out.
 */
function isTrusted({ actor, called }: Planning, { version, inputs, chooser }: Choosing): boolean {
  if (called !== version.jobId && version.spec.approval) return false;
  const by = (each: WithInputs) => reachToExecute(fitLocks(actor, each.inputs), each.version.jobId).byJob;
  return by({ version, inputs }) && by(chooser);
}

export function choiceOf({ select, names }: TargetPlan): TargetChoice | undefined {
  if (select !== undefined) return { select };
  return names === undefined ? undefined : { names };
}

const refuse = (message: string) => new OcError("failed_precondition", message);
