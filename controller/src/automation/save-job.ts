// Saving a definition: the first makes the job, later ones make immutable versions. Called by POST jobs, PUT
// jobs/{idOrName}, the samples of the first start, and import-jobs.ts in one transaction for many.
import type { jobDetail } from "@opsconductor/contract/api/jobs";
import { OcError } from "@opsconductor/contract/errors";
import type { z } from "zod";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context, Query } from "../context.ts";
import { demandOn } from "../identity/demand-on.ts";
import { demandEverywhere } from "../identity/demand-permission.ts";
import { findJob, getJob } from "./get-job.ts";
import {
  insertJob,
  insertVersion,
  type JobRow,
  lockJob,
  selectPriority,
  selectVersionHash,
  updateJobToVersion,
} from "./job-queries.ts";
import { demandPriority } from "./priorities.ts";
import { type DefinitionInput, type ReadDefinition, readDefinition } from "./read-definition.ts";

interface SaveParams {
  definition: DefinitionInput;
  /** Why this version. */
  message: string;
}

type JobDetail = z.infer<typeof jobDetail>;

export async function createJob(ctx: Context, actor: Actor, params: SaveParams): Promise<JobDetail> {
  await demandEverywhere(ctx, actor, "jobs:write");
  const read = readDefinition(params.definition);
  await demandPriority(ctx, actor, read.job.priority, "normal");
  const id = ctx.newId();
  const at = ctx.now();
  await ctx.sql
    .begin((tx) => saveFirst(ctx, tx, actor, { id, read, message: params.message, at }))
    .catch((error) => refuseTakenName(error, read.job.name));
  publishJob(ctx, id);
  return await getJob(ctx, actor, { idOrName: id });
}

export async function saveFirst(
  ctx: Context,
  tx: Query,
  actor: Actor,
  { id, read, message, at }: { id: string; read: ReadDefinition; message: string; at: Date },
): Promise<void> {
  await insertJob(tx, id, read.job, userOf(actor), at);
  await addVersion(tx, actor, { jobId: id, version: 1, read, message, at });
  await auditSave(ctx, tx, actor, "job.created", id, read, 1);
}

/** Saving the same bytes again makes no new version. `revision` is the If-Match; undefined: the last one wins. */
export async function saveJob(
  ctx: Context,
  actor: Actor,
  params: SaveParams & { idOrName: string; revision: bigint | undefined },
): Promise<JobDetail> {
  const read = readDefinition(params.definition);
  const job = await findJob(ctx.sql, actor, params.idOrName);
  await demandOn(ctx, ctx.sql, actor, { permission: "jobs:write", kind: "job", ids: [job.id] });
  await demandPriority(ctx, actor, read.job.priority, await selectPriority(ctx.sql, job.id));
  const saved = await ctx.sql
    .begin((tx) => saveVersion(ctx, tx, actor, job, read, params))
    .catch((error) => refuseTakenName(error, read.job.name));
  if (saved) publishJob(ctx, job.id);
  return await getJob(ctx, actor, { idOrName: job.id });
}

/** False when the newest version is these bytes already. */
export async function saveVersion(
  ctx: Context,
  tx: Query,
  actor: Actor,
  job: Pick<JobRow, "id" | "name" | "latestVersion">,
  read: ReadDefinition,
  { message, revision }: { message: string; revision: bigint | undefined },
): Promise<boolean> {
  const locked = await lockJob(tx, job.id);
  if (!locked) throw new OcError("not_found", `${job.name} was deleted just now; save it as a new job.`);
  if (revision !== undefined && locked.revision !== revision)
    throw new OcError(
      "version_mismatch",
      `Somebody saved ${job.name} since you read it: look at the newest version, then repeat your change.`,
    );
  const newest = await selectVersionHash(tx, job.id, locked.latestVersion);
  if (newest && read.sha256.equals(newest)) return false;
  const version = locked.latestVersion + 1;
  const at = ctx.now();
  await addVersion(tx, actor, { jobId: job.id, version, read, message, at });
  await updateJobToVersion(tx, job.id, read.job, version, at);
  await auditSave(ctx, tx, actor, "job.updated", job.id, read, version, job);
  return true;
}

async function addVersion(
  tx: Query,
  actor: Actor,
  v: { jobId: string; version: number; read: ReadDefinition; message: string; at: Date },
): Promise<void> {
  const { bytes: definition, mediaType, sha256, job: spec } = v.read;
  const { jobId, version, message, at: createdAt } = v;
  await insertVersion(tx, {
    ...{ jobId, version, definition, mediaType, sha256, spec, message, createdAt },
    createdBy: userOf(actor),
  });
}

async function auditSave(
  ctx: Context,
  tx: Query,
  actor: Actor,
  action: "job.created" | "job.updated",
  id: string,
  read: ReadDefinition,
  version: number,
  before?: Pick<JobRow, "name" | "latestVersion">,
): Promise<void> {
  await writeAudit(ctx, tx, actor, {
    action,
    object: { kind: "job", id, name: read.job.name },
    ...(before ? { before: { name: before.name, version: before.latestVersion } } : {}),
    after: { name: read.job.name, version, sha256: read.sha256.toString("hex") },
  });
}

export const userOf = (actor: Actor): string | null => (actor.kind === "user" ? actor.id : null);

export function publishJob(ctx: Pick<Context, "live">, id: string): void {
  ctx.live.publish({ kind: "changed", topic: "jobs", ids: [id] });
}

export function refuseTakenName(error: unknown, name: string): never {
  const { code, constraint_name: constraint } = error as { code?: string; constraint_name?: string };
  if (code === "23505" && constraint === "jobs_name")
    throw new OcError(
      "conflict",
      `Another job is called ${name}: save a new version of it (PUT /api/v1/jobs/${name}), or choose another name.`,
      { cause: error },
    );
  throw error;
}
