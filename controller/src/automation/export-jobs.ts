// Jobs as files with exactly the bytes that were saved: one version of one, or the newest of many in an archive. Called
// by GET jobs/{idOrName}/versions/{version}/definition and POST job-exports.
import type { JobExportRequest } from "@opsconductor/contract/api/job-transfer";
import { OcError } from "@opsconductor/contract/errors";
import { maxTransferBytes, maxTransferJobs } from "@opsconductor/contract/job/transfer-limits";
import { isStorable } from "../assets/storable-text.ts";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context } from "../context.ts";
import { findJob, findVersion, noSuchJob } from "./get-job.ts";
import { packJobs } from "./job-archive.ts";
import { type ExportSize, selectExportSizes, selectExportTexts } from "./job-transfer-queries.ts";

export interface JobFile {
  fileName: string;
  contentType: string;
  bytes: Uint8Array<ArrayBuffer>;
}

export async function exportVersion(
  ctx: Context,
  actor: Actor,
  { idOrName, version }: { idOrName: string; version: number },
): Promise<JobFile> {
  const job = await findJob(ctx.sql, actor, idOrName);
  const { definition, mediaType, sha256 } = await findVersion(ctx.sql, job, version);
  const object = { kind: "job", id: job.id, name: job.name };
  const detail = { version, sha256: Buffer.from(sha256).toString("hex") };
  await writeAudit(ctx, ctx.sql, actor, { action: "job.exported", object, detail });
  return {
    fileName: `${job.name}-v${version}${extensionOf(mediaType)}`,
    contentType: `${mediaType}; charset=utf-8`,
    bytes: new Uint8Array(definition),
  };
}

export async function exportJobs(ctx: Context, actor: Actor, { q, jobs }: JobExportRequest): Promise<JobFile> {
  const chosen = await chooseJobs(ctx, actor, { q, jobs });
  const texts = await selectExportTexts(ctx.sql, chosen);
  const files = texts.map(({ definition, mediaType, createdAt }, n) => ({
    ...{ name: `${chosen[n]!.name}${extensionOf(mediaType)}`, bytes: definition, at: createdAt },
  }));
  const bytes = await packJobs(files);
  const names = chosen.map(({ name, version }) => `${name} v${version}`);
  const detail = { ...(q === undefined ? {} : { q }), jobs: names };
  await writeAudit(ctx, ctx.sql, actor, { action: "jobs.exported", detail });
  return { fileName: `jobs-${ctx.now().toISOString().slice(0, 10)}.zip`, contentType: "application/zip", bytes };
}

async function chooseJobs(ctx: Context, actor: Actor, { q, jobs }: JobExportRequest): Promise<ExportSize[]> {
  const words = jobs && [...new Set(jobs.map((word) => word.toLowerCase()))];
  const unknown = words?.find((word) => !isStorable(word));
  if (unknown !== undefined) throw noSuchJob(unknown);
  const chosen = await selectExportSizes(ctx.sql, actor, { q, jobs: words }, maxTransferJobs + 1);
  const found = new Set(chosen.flatMap(({ id, name }) => [id, name.toLowerCase()]));
  const missing = words?.find((word) => !found.has(word));
  if (missing !== undefined) throw noSuchJob(missing);
  if (chosen.length === 0) throw new OcError("not_found", "There is no job to export: choose others.");
  if (chosen.length > maxTransferJobs) throw tooMuch(`more than ${maxTransferJobs} jobs`);
  const bytes = chosen.reduce((sum, job) => sum + job.bytes, 0);
  if (bytes > maxTransferBytes) throw tooMuch(`${Math.ceil(bytes / 1024 / 1024)} MiB of definitions`);
  return chosen;
}

const tooMuch = (what: string) =>
  new OcError(
    "payload_too_large",
    `These are ${what}, and a file holds at most 1,000 and 16 MiB: export them in parts.`,
  );

const extensionOf = (mediaType: string) => (mediaType === "application/json" ? ".json" : ".yaml");
