// One job with the text of one of its versions. Called by GET jobs/{idOrName} and versions/{version}.
import type { jobDetail } from "@opsconductor/contract/api/jobs";
import { OcError } from "@opsconductor/contract/errors";
import type { z } from "zod";
import { isStorable } from "../assets/storable-text.ts";
import type { Actor, Context, Query } from "../context.ts";
import { boundInputsOf, lockedInputsOf } from "../identity/locked-inputs.ts";
import { type JobRow, selectJob, selectSparks, selectVersion, type VersionText } from "./job-queries.ts";
import { presentJob } from "./present-job.ts";

export const sparksPerJob = 20;

export async function getJob(
  ctx: Pick<Context, "sql">,
  actor: Actor,
  { idOrName, version }: { idOrName: string; version?: number },
): Promise<z.infer<typeof jobDetail>> {
  const row = await findJob(ctx.sql, actor, idOrName);
  const [text, sparks] = await Promise.all([
    findVersion(ctx.sql, row, version ?? row.latestVersion),
    selectSparks(ctx.sql, actor, [row.id], sparksPerJob),
  ]);
  return {
    ...presentJob(actor, row, sparks),
    version: text.version,
    definition: Buffer.from(text.definition).toString("utf8"),
    mediaType: text.mediaType,
    spec: text.spec as unknown as Record<string, unknown>,
    lockedInputs: lockedInputsOf(actor, row.id, text.spec.inputs ?? {}),
    boundInputs: boundInputsOf(actor, row.id, text.spec.inputs ?? {}),
  };
}

/** The job that a person means, or not_found. */
export async function findJob(q: Query, actor: Actor, idOrName: string): Promise<JobRow> {
  const row = isStorable(idOrName) ? await selectJob(q, actor, idOrName) : undefined;
  if (!row) throw noSuchJob(idOrName);
  return row;
}

export const noSuchJob = (idOrName: string): OcError =>
  new OcError("not_found", `There is no job ${idOrName}: look for it under Jobs, it may have been renamed or deleted.`);

export async function findVersion(q: Query, job: JobRow, version: number): Promise<VersionText> {
  const text = await selectVersion(q, job.id, version);
  if (!text) throw noSuchVersion(job.name, version, job.latestVersion);
  return text;
}

export const noSuchVersion = (name: string, version: number, latest: number): OcError =>
  new OcError("not_found", `${name} has no version ${version}: its versions are 1 to ${latest}.`);
