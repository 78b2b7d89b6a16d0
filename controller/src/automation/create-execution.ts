// Creates an execution in one transaction: inputs checked, targets resolved and frozen, the job's version bound by its
// hash, assignments written; those whose agent is connected here are offered right after the commit.
// Called by POST jobs/{idOrName}/execute.
import { randomBytes } from "node:crypto";
import type { Execution } from "@opsconductor/contract/api/executions";
import { OcError } from "@opsconductor/contract/errors";
import { checkInputs } from "@opsconductor/contract/job/inputs";
import {
  mainStage,
  planStage,
  planTargets,
  type StagePlan,
  summariseSteps,
  type TargetPlan,
} from "@opsconductor/contract/job/plan-stage";
import { foldAssignments, foldStages } from "@opsconductor/contract/states";
import { resolveTargets, type TargetChoice } from "../assets/resolve-targets.ts";
import { isStorable, unstorablePath } from "../assets/storable-text.ts";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context, Query } from "../context.ts";
import { assignmentIds } from "./assignment-ids.ts";
import { type ChosenAssignment, chooseAssignments } from "./choose-assignments.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { type ExecutionRow, insertAssignments, insertExecution, type NewAssignment } from "./execution-queries.ts";
import { addTransitions } from "./execution-state.ts";
import { findExecution } from "./get-execution.ts";
import { noSuchJob, noSuchVersion } from "./get-job.ts";
import { claimKey } from "./idempotency.ts";
import { type RunnableVersion, selectRunnable } from "./job-queries.ts";
import { type AddressedOffer, loadDefinition, offerMessage, servicesByTarget } from "./offer-message.ts";
import { presentExecution } from "./present-execution.ts";
import { publishExecutions } from "./publish-changes.ts";
import { stageKey } from "./recorder.ts";
import { userOf } from "./save-job.ts";

export interface CreateExecutionParams {
  job: string;
  version?: number | undefined;
  inputs: Record<string, unknown>;
  /** Instead of the job's own. */
  targets?: TargetChoice | undefined;
  reason: string;
  triggerKind?: string;
  idempotencyKey?: string | undefined;
}

interface Planned {
  version: RunnableVersion & { version: number };
  inputs: Record<string, unknown>;
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

export async function createExecution(ctx: Context, actor: Actor, params: CreateExecutionParams): Promise<Execution> {
  const plan = await planExecution(ctx, actor, params);
  const reserved: string[] = [];
  const { dispatcher } = ctx.automation;
  const created = await ctx.sql
    .begin((tx) => create(ctx, tx, actor, params, plan, reserved))
    .catch((error) => {
      for (const agentId of reserved) dispatcher.release(agentId);
      throw error;
    });
  // What was not born offered gave its place back: its agent's stream was replaced at this moment.
  const offered = Map.groupBy(created.offers, (o) => o.agentId);
  for (const agentId of reserved) if (!offered.get(agentId)?.pop()) dispatcher.release(agentId);
  dispatcher.send(created.offers);
  if (!created.replayed) report(ctx, actor, created);
  return presentExecution(created.row);
}

async function planExecution(ctx: Context, actor: Actor, params: CreateExecutionParams): Promise<Planned> {
  const found = isStorable(params.job) ? await selectRunnable(ctx.sql, actor, params.job, params.version) : undefined;
  if (!found) throw noSuchJob(params.job);
  if (found.version === null) throw noSuchVersion(found.jobName, params.version!, found.latestVersion);
  const { values, errors } = checkInputs(found.spec.inputs, params.inputs);
  if (errors.length > 0)
    throw new OcError("invalid_argument", `The inputs do not fit ${found.jobName}: ${errors[0]!.message}`, { errors });
  const unstorable = unstorablePath({ inputs: values, reason: params.reason });
  if (unstorable !== undefined)
    throw new OcError("invalid_argument", `${unstorable} has a NUL character or half a surrogate pair; remove it.`);
  const targets = planTargets(found.spec);
  const choice = params.targets ?? choiceOf(targets);
  if (!choice)
    throw new OcError(
      "failed_precondition",
      `${found.jobName} names no targets itself: choose them for this execution.`,
    );
  return {
    version: found as Planned["version"],
    inputs: values,
    stage: planStage(found.spec)!,
    targets,
    choice,
  };
}

function choiceOf({ select, names }: TargetPlan): TargetChoice | undefined {
  if (select !== undefined) return { select };
  return names === undefined ? undefined : { names };
}

async function create(
  ctx: Context,
  tx: Query,
  actor: Actor,
  params: CreateExecutionParams,
  plan: Planned,
  reserved: string[],
): Promise<Created> {
  const at = ctx.now();
  const id = ctx.newId();
  if (params.idempotencyKey !== undefined) {
    const { job, version, inputs, targets, reason } = params;
    const request = { job, version: version ?? null, inputs, targets: targets ?? null, reason };
    const first = await claimKey(tx, actor, { key: params.idempotencyKey, request, executionId: id, at });
    if (first !== undefined) return { row: await findExecution(tx, actor, first), offers: [], replayed: true };
  }
  const resolved = await resolveTargets(ctx, actor, plan.choice, tx);
  const chosen = chooseAssignments(resolved, plan.targets, describe(plan.choice));
  const rows = reserveRooms(ctx.automation.dispatcher, chosen, id, reserved);
  ctx.automation.stages.set(stageKey(id, mainStage), {
    stepIds: plan.stage.steps.map((s) => s.id),
    timeoutMs: plan.stage.timeoutMs,
  });
  return await insertAll(ctx, tx, actor, { id, at, params, plan, rows });
}

function describe(choice: TargetChoice): string {
  return "select" in choice ? `The selector ${choice.select}` : "The list of names";
}

/** Takes a place at each agent that is connected here; the rest stays queued. */
function reserveRooms(
  dispatcher: Dispatcher,
  chosen: readonly ChosenAssignment[],
  executionId: string,
  reserved: string[],
): NewAssignment[] {
  const ids = assignmentIds(executionId, chosen.length, randomBytes);
  return chosen.map((c, i) => {
    const link = c.state === "queued" && c.agentId !== null ? dispatcher.reserve(c.agentId) : undefined;
    if (link) reserved.push(c.agentId!);
    return { ...c, id: ids[i]!, offerEpoch: link ? String(link.session.epoch) : null };
  });
}

async function insertAll(
  ctx: Context,
  tx: Query,
  actor: Actor,
  {
    id,
    at,
    params,
    plan,
    rows,
  }: { id: string; at: Date; params: CreateExecutionParams; plan: Planned; rows: NewAssignment[] },
): Promise<Created> {
  const { version, stage, targets } = plan;
  const startBefore = new Date(at.getTime() + targets.offlineExpiryMs);
  const offerable = rows.filter((r) => r.offerEpoch !== null).map((r) => r.targetId);
  const [inserted, services, definition] = await Promise.all([
    insertAssignments(tx, { executionId: id, stageId: mainStage, createdAt: at, startBefore, rows }),
    offerable.length > 0 ? servicesByTarget(tx, offerable) : undefined,
    loadDefinition(tx, ctx.automation.dispatcher.definitions, version.jobId, version.version),
  ]);
  const counts = addTransitions(
    {},
    inserted.map((a) => ({ executionId: id, stageId: mainStage, from: undefined, to: a.state, at })),
  );
  const stageState = foldAssignments(counts) ?? "pending";
  const state = foldStages([stageState]) ?? "queued";
  const [row] = await Promise.all([
    insertExecution(tx, {
      ...{ id, state, counts, inputs: plan.inputs, reason: params.reason, createdAt: at },
      jobId: version.jobId,
      jobName: version.jobName,
      jobVersion: version.version,
      definitionSha256: version.sha256,
      triggerKind: params.triggerKind ?? "manual",
      requestedBy: userOf(actor),
      requestedByName: actor.name,
      idempotencyKey: params.idempotencyKey ?? null,
      targetCount: rows.length,
      finishedAt: state === "queued" ? null : at,
      stage: { id: mainStage, state: stageState, steps: summariseSteps(stage), timeoutMs: stage.timeoutMs },
    }),
    writeAudit(ctx, tx, actor, {
      action: "execution.created",
      object: { kind: "execution", id, name: version.jobName },
      after: { jobId: version.jobId, version: version.version, targets: rows.length, reason: params.reason },
      detail: { choice: plan.choice as unknown as Record<string, unknown>, trigger: params.triggerKind ?? "manual" },
    }),
  ]);
  const fences = new Map(inserted.filter((a) => a.state === "offered").map((a) => [a.id, a.fence!]));
  const offers = rows
    .filter((r) => fences.has(r.id))
    .map((r) => ({
      agentId: r.agentId!,
      message: offerMessage(
        {
          ...r,
          ...{ agentId: r.agentId!, attempt: 1, fence: fences.get(r.id)!, stageId: mainStage, startBefore },
          releaseThroughStep: 0xffffffffn,
          ...{ executionId: id, executionNumber: row.number, inputs: plan.inputs },
          ...{ jobId: row.jobId, jobVersion: row.jobVersion, definitionSha256: row.definitionSha256 },
        },
        definition,
        services?.get(r.targetId) ?? [],
      ),
    }));
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
