// Rows of jobs in the shapes of the API. Pure.
import type { Job, jobVersion } from "@opsconductor/contract/api/jobs";
import type { z } from "zod";
import type { Actor } from "../context.ts";
import { mayRun, mayWrite } from "../identity/locked-inputs.ts";
import type { JobRow, SparkRow, VersionRow } from "./job-queries.ts";

export function presentJob(actor: Actor, row: JobRow, sparks: readonly SparkRow[]): Job {
  return {
    id: row.id,
    number: Number(row.number),
    name: row.name,
    description: row.description,
    labels: row.labels,
    version: row.latestVersion,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    updatedByName: row.updatedByName,
    revision: Number(row.revision),
    canRun: mayRun(actor, row.id),
    canWrite: mayWrite(actor, row.id),
    lastExecutions: sparks.map((s) => ({
      id: s.id,
      number: Number(s.number),
      state: s.state,
      createdAt: s.createdAt.toISOString(),
      finishedAt: s.finishedAt?.toISOString() ?? null,
    })),
  };
}

export function presentVersion(row: VersionRow): z.infer<typeof jobVersion> {
  return {
    version: row.version,
    sha256: Buffer.from(row.sha256).toString("hex"),
    message: row.message,
    createdAt: row.createdAt.toISOString(),
    createdByName: row.createdByName,
  };
}
