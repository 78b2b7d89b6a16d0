// Jobs by name with the outcomes of their last executions, and the versions of one. Called by GET jobs and versions.
import type { Job, jobListQuery, jobVersion } from "@opsconductor/contract/api/jobs";
import { OcError } from "@opsconductor/contract/errors";
import type { z } from "zod";
import { isStorable } from "../assets/storable-text.ts";
import type { Actor, Context } from "../context.ts";
import { decodeCursor, encodeCursor } from "../cursor.ts";
import { findJob, sparksPerJob } from "./get-job.ts";
import { selectJobs, selectSparks, selectVersions } from "./job-queries.ts";
import { presentJob, presentVersion } from "./present-job.ts";

export async function listJobs(
  ctx: Pick<Context, "sql">,
  actor: Actor,
  { limit, cursor, q }: z.infer<typeof jobListQuery>,
): Promise<{ items: Job[]; nextCursor?: string }> {
  const afterName = cursor === undefined ? undefined : decodeCursor(cursor, 1)[0];
  if (q !== undefined && !isStorable(q)) return { items: [] };
  const rows = await selectJobs(ctx.sql, actor, { q, afterName, limit: limit + 1 });
  const shown = rows.slice(0, limit);
  const sparks = await selectSparks(
    ctx.sql,
    actor,
    shown.map((row) => row.id),
    sparksPerJob,
  );
  const byJob = Map.groupBy(sparks, (s) => s.jobId);
  const items = shown.map((row) => presentJob(actor, row, byJob.get(row.id) ?? []));
  const last = items.at(-1);
  if (rows.length <= limit || !last) return { items };
  return { items, nextCursor: encodeCursor([last.name.toLowerCase()]) };
}

export async function listVersions(
  ctx: Pick<Context, "sql">,
  actor: Actor,
  { idOrName, limit, cursor }: { idOrName: string; limit: number; cursor?: string | undefined },
): Promise<{ items: z.infer<typeof jobVersion>[]; nextCursor?: string }> {
  const job = await findJob(ctx.sql, actor, idOrName);
  const before = cursor === undefined ? undefined : versionOfCursor(cursor);
  const rows = await selectVersions(ctx.sql, job.id, before, limit + 1);
  const items = rows.slice(0, limit).map(presentVersion);
  const last = items.at(-1);
  if (rows.length <= limit || !last) return { items };
  return { items, nextCursor: encodeCursor([String(last.version)]) };
}

function versionOfCursor(cursor: string): number {
  const [text] = decodeCursor(cursor, 1);
  if (/^\d{1,9}$/.test(text!)) return Number(text);
  throw new OcError("invalid_argument", "The cursor is not one of ours: start from the first page.");
}
