// Creates an execution in one transaction: inputs checked, targets resolved and frozen, the job's version bound by its
// hash, assignments written; those whose agent is connected here are offered right after the commit.
// Called by POST jobs/{idOrName}/execute.
import { randomBytes } from "node:crypto";
import type { Execution } from "@opsconductor/contract/api/executions";
import { OcError } from "@opsconductor/contract/errors";
import { checkInputs } from "@opsconductor/contract/job/inputs";
import { mainStage } from "@opsconductor/contract/job/job-stages";
import {
  planStage,
  planTargets,
  type StagePlan,
  summariseSteps,
  type TargetPlan,
} from "@opsconductor/contract/job/plan-stage";
import type { Priority } from "@opsconductor/contract/job/priorities";
import { markStage } from "@opsconductor/contract/stage-marks";
import { foldAssignments, foldStages } from "@opsconductor/contract/states";
import { resolveTargets, type TargetChoice } from "../assets/resolve-targets.ts";
import { isStorable, unstorablePath } from "../assets/storable-text.ts";
import { writeAudit } from "../communication/audit.ts";
import { type Actor, type Context, type Query, systemActor } from "../context.ts";
import { demandInputs } from "../identity/demand-inputs.ts";
import { fillLocked, lockedInputsOf } from "../identity/locked-inputs.ts";
import { reachToExecute } from "../identity/reach-to-execute.ts";
import { demandProofForTargets } from "../identity/step-up.ts";
import { assignmentIds } from "./assignment-ids.ts";
import { demandUnbraked } from "./brake.ts";
import { type ChosenAssignment, chooseAssignments } from "./choose-assignments.ts";
import { createFlow, isOrchestrated } from "./create-flow.ts";
import { type ExecutionRow, insertExecution, type NewAssignment, type NewExecution } from "./execution-queries.ts";
import { addTransitions } from "./execution-state.ts";
import { genericPlans } from "./generic-plans.ts";
import { findExecution } from "./get-execution.ts";
import { noSuchJob, noSuchVersion } from "./get-job.ts";
import { claimKey } from "./idempotency.ts";
import { selectRunnable } from "./job-queries.ts";
import {
  type AddressedOffer,
  type Definition,
  loadDefinition,
  offerMessage,
  servicesByTarget,
} from "./offer-message.ts";
import { choiceOf, type FrozenVersion } from "./plan-flow.ts";
import { presentExecution } from "./present-execution.ts";
import { demandPriority, numberOfPriority } from "./priorities.ts";
import { publishExecutions } from "./publish-changes.ts";
import { stageKey } from "./recorder.ts";
import { Rooms } from "./rooms.ts";
import { userOf } from "./save-job.ts";
import { insertRetryNote } from "./timeline-queries.ts";
import { withCommit } from "./with-commit.ts";

export interface CreateExecutionParams {
  job: string;
  version?: number | undefined;
  inputs: Record<string, unknown>;
  /** Instead of the job's own. */
  targets?: TargetChoice | undefined;
  reason: string;
  /** Instead of the job's own. */
  priority?: Priority | undefined;
  /** Only tell what would change. */
  check?: boolean;
  triggerKind?: string;
  retryOf?: { id: string; number: number } | undefined;
  /** Of a workflow: stages that succeeded in the execution that is retried count as done. */
  resume?: boolean | undefined;
  idempotencyKey?: string | undefined;
}

interface Asked {
  version: FrozenVersion;
  inputs: Record<string, unknown>;
  /** The caller with those rights that allow these inputs. */
  actor: Actor;
}

interface Planned extends Asked {
  stage: StagePlan;
  targets: TargetPlan;
  choice: TargetChoice;
}

interface Created {
  row: ExecutionRow;
  offers: AddressedOffer[];
  /** A repeated request: nothing was made. */
  replayed: boolean;
}

export async function createExecution(ctx: Context, caller: Actor, params: CreateExecutionParams): Promise<Execution> {
  markStage("execute.received");
  const asked = await readRequest(ctx, caller, params);
  await demandUnbraked(ctx, caller, asked.version, params.idempotencyKey);
  await demandPriority(ctx, caller, params.priority, asked.version.spec.priority ?? "normal");
  if (isOrchestrated(asked.version.spec)) return await startFlow(ctx, caller, params, asked);
  const { actor } = asked;
  const plan = planExecution(asked, params);
  markStage("execution.planned");
  const rooms = new Rooms(ctx.automation.dispatcher);
  try {
    const created = await ctx.automation.dispatcher.offering(async () => {
      const { last } = await ctx.sql.begin((tx) => create(ctx, tx, actor, params, plan, rooms));
      const { offers } = await last;
      markStage("execution.committed");
      rooms.keep(offers);
      ctx.automation.dispatcher.send(offers);
      markStage("offer.sent");
      return await last;
    });
    if (!created.replayed) report(ctx, actor, created);
    return present(actor, created.row);
  } finally {
    rooms.giveBack();
  }
}

function present(actor: Actor, row: ExecutionRow): Execution {
  const { limited, byJob } = reachToExecute(actor, row.jobId);
  return { ...presentExecution(row), ...(limited && !byJob && { notice: limitedNotice }) };
}

const limitedNotice = "You may run jobs on a part of the fleet: targets outside of it were left out.";

/** Stages, batches and conditions: nothing is offered here, advance-flow.ts does it right after. */
async function startFlow(ctx: Context, actor: Actor, params: CreateExecutionParams, asked: Asked): Promise<Execution> {
  const id = ctx.newId();
  const at = ctx.now();
  const created = await ctx.sql.begin(async (tx) => {
    const first = await replayed(tx, actor, params, id, at);
    if (first) return { row: first, offers: [], replayed: true };
    const row = await createFlow(ctx, tx, actor, {
      ...asked,
      ...{ id, at, choice: params.targets, params, priority: priorityOf(params, asked.version) },
    });
    return { row, offers: [], replayed: false };
  });
  if (!created.replayed) {
    report(ctx, actor, created);
    if (created.row.state === "awaiting_approval") ctx.live.publish({ kind: "changed", topic: "approvals", ids: [id] });
    ctx.automation.flows.wake([id]);
  }
  return present(asked.actor, created.row);
}

export async function readRequest(
  ctx: Context,
  actor: Actor,
  params: Pick<CreateExecutionParams, "job" | "version" | "inputs" | "reason" | "retryOf">,
): Promise<Asked> {
  const found = isStorable(params.job) ? await selectRunnable(ctx.sql, actor, params.job, params.version) : undefined;
  if (!found) throw noSuchJob(params.job);
  if (found.version === null) throw noSuchVersion(found.jobName, params.version!, found.latestVersion);
  // What is repeated is repeated with the inputs that it had.
  const locked = params.retryOf ? {} : lockedInputsOf(actor, found.jobId, found.spec.inputs);
  const { values, errors } = checkInputs(found.spec.inputs, fillLocked(params.inputs, locked));
  if (errors.length > 0)
    throw new OcError("invalid_argument", `The inputs do not fit ${found.jobName}: ${errors[0]!.message}`, { errors });
  const unstorable = unstorablePath({ inputs: values, reason: params.reason });
  if (unstorable !== undefined)
    throw new OcError("invalid_argument", `${unstorable} has a NUL character or half a surrogate pair; remove it.`);
  const fitting = await demandInputs(ctx, actor, { ...found, values });
  return { version: found as FrozenVersion, inputs: values, actor: fitting };
}

function planExecution(asked: Asked, params: CreateExecutionParams): Planned {
  const { spec, jobName } = asked.version;
  const targets = planTargets(spec);
  const choice = params.targets ?? choiceOf(targets);
  if (!choice)
    throw new OcError("failed_precondition", `${jobName} names no targets itself: choose them for this execution.`);
  return { ...asked, stage: planStage(spec)!, targets, choice };
}

/** The inserts travel with the commit; `last` tells their outcome. */
async function create(
  ctx: Context,
  tx: Query,
  actor: Actor,
  params: CreateExecutionParams,
  plan: Planned,
  rooms: Rooms,
): Promise<{ last: Promise<Created> }> {
  const id = ctx.newId();
  const at = ctx.now();
  const first = await replayed(tx, actor, params, id, at);
  if (first) return { last: Promise.resolve({ row: first, offers: [], replayed: true }) };
  const { byJob } = reachToExecute(actor, plan.version.jobId);
  const besides = byJob ? choiceOf(plan.targets) : undefined;
  const resolved = await resolveTargets(ctx, actor, plan.choice, tx, { permission: "jobs:execute", besides });
  const chosen = chooseAssignments(resolved, plan.targets, describe(plan.choice));
  await demandProofForTargets(ctx, actor, chosen.length);
  const definition = await loadDefinition(
    tx,
    ctx.automation.dispatcher.definitions,
    plan.version.jobId,
    plan.version.version,
  );
  const assignments = takeRooms(rooms, chosen, id);
  const { steps, timeoutMs } = plan.stage;
  ctx.automation.stages.set(stageKey(id, mainStage), { stepIds: steps.map((s) => s.id), timeoutMs });
  return await withCommit(
    insert(ctx, tx, actor, newExecution(actor, params, plan, { id, at, assignments }), definition),
  );
}

/** The execution that an earlier request with the same key made; undefined when the key is now ours, or there is none. */
async function replayed(
  tx: Query,
  actor: Actor,
  params: CreateExecutionParams,
  id: string,
  at: Date,
): Promise<ExecutionRow | undefined> {
  if (params.idempotencyKey === undefined) return undefined;
  const { job, version = null, inputs, targets = null, reason, retryOf, check = false, priority } = params;
  const besides = { ...(retryOf && { retryOf }), ...(check && { check }), ...(priority && { priority }) };
  const request = { job, version, inputs, targets, reason, ...besides };
  const first = await claimKey(tx, actor, { key: params.idempotencyKey, request, executionId: id, at });
  // The key is the caller's own, so is what it made.
  return first === undefined ? undefined : await findExecution(tx, systemActor, first);
}

function priorityOf({ priority }: CreateExecutionParams, { spec }: FrozenVersion): number {
  return numberOfPriority(priority ?? spec.priority ?? "normal");
}

function describe(choice: TargetChoice): string {
  return "select" in choice ? `The selector ${choice.select}` : "The list of names";
}

/** Those whose agent is connected here are to be offered at once; the rest stays queued. */
function takeRooms(rooms: Rooms, chosen: readonly ChosenAssignment[], executionId: string): NewAssignment[] {
  const ids = assignmentIds(executionId, chosen.length, randomBytes);
  return chosen.map((c, i) => {
    const link = c.state === "queued" && c.agentId !== null ? rooms.take(c.agentId) : undefined;
    return { ...c, id: ids[i]!, offerEpoch: link ? String(link.session.epoch) : null };
  });
}

function newExecution(
  actor: Actor,
  params: CreateExecutionParams,
  { version, inputs, stage, targets }: Planned,
  { id, at, assignments }: { id: string; at: Date; assignments: NewAssignment[] },
): NewExecution {
  // Queued or offered makes no difference here; an execution of which nothing waits is finished when it is made.
  const counts = addTransitions(
    {},
    assignments.map((a) => ({ executionId: id, stageId: mainStage, from: undefined, to: a.state, at })),
  );
  const stageState = foldAssignments(counts) ?? "pending";
  const state = foldStages([stageState]) ?? "queued";
  return {
    ...{ id, state, inputs, assignments, reason: params.reason, createdAt: at },
    jobId: version.jobId,
    jobName: version.jobName,
    jobVersion: version.version,
    definitionSha256: version.sha256,
    triggerKind: params.triggerKind ?? "manual",
    checkMode: params.check ?? false,
    priority: priorityOf(params, version),
    requestedBy: userOf(actor),
    requestedByName: actor.name,
    idempotencyKey: params.idempotencyKey ?? null,
    retryOf: params.retryOf ?? null,
    finishedAt: state === "queued" ? null : at,
    startBefore: new Date(at.getTime() + targets.offlineExpiryMs),
    stage: { id: mainStage, state: stageState, steps: summariseSteps(stage), timeoutMs: stage.timeoutMs },
  };
}

async function insert(
  ctx: Context,
  tx: Query,
  actor: Actor,
  execution: NewExecution,
  definition: Definition,
): Promise<Created> {
  const {
    id,
    jobId,
    jobName: name,
    jobVersion: version,
    assignments,
    reason,
    triggerKind: trigger,
    checkMode: check,
    retryOf,
  } = execution;
  const offerable = assignments.filter((a) => a.offerEpoch !== null).map((a) => a.targetId);
  const [, row, services] = await Promise.all([
    genericPlans(tx),
    insertExecution(tx, execution),
    servicesByTarget(tx, offerable),
    writeAudit(ctx, tx, actor, {
      action: "execution.created",
      object: { kind: "execution", id, name },
      after: {
        jobId,
        version,
        targets: assignments.length,
        reason,
        trigger,
        ...(check && { check }),
        ...(retryOf && { retryOf: retryOf.id }),
      },
    }),
    ...(retryOf ? [insertRetryNote(tx, { of: retryOf.id, execution: id, by: actor.name, reason })] : []),
  ]);
  const offers = assignments.flatMap((a): AddressedOffer[] => {
    const fence = row.offered?.[a.id];
    if (fence === undefined) return [];
    const offer = { ...row, ...a, agentId: a.agentId!, attempt: 1, fence: BigInt(fence), stageId: mainStage };
    const content = { ...offer, executionId: id, executionNumber: row.number, startBefore: execution.startBefore };
    const message = offerMessage(
      { ...content, releaseThroughStep: 0xffffffffn },
      definition,
      services.get(a.targetId) ?? [],
    );
    return [{ agentId: a.agentId!, message }];
  });
  return { row, offers, replayed: false };
}

function report(ctx: Context, actor: Actor, { row, offers }: Created): void {
  ctx.log.info(
    {
      executionId: row.id,
      number: Number(row.number),
      job: row.jobName,
      version: row.jobVersion,
      targets: row.targetCount,
      offered: offers.length,
      actor: actor.name,
    },
    "execution.created",
  );
  publishExecutions(ctx, [row]);
}
