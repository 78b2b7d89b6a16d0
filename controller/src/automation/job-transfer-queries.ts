// SQL of jobs that are exported or imported many at a time. Called by export-jobs.ts and import-jobs.ts.
import type { Priority } from "@opsconductor/contract/job/priorities";
import type { Actor, Query } from "../context.ts";
import { visibleTo } from "../identity/visible-to.ts";
import { isCalled } from "./job-queries.ts";

export interface ExportChoice {
  q?: string | undefined;
  /** Ids or names in lower case. */
  jobs?: readonly string[] | undefined;
}

export interface ExportSize {
  id: string;
  name: string;
  version: number;
  bytes: number;
}

/** In the order of the list. */
export async function selectExportSizes(
  q: Query,
  actor: Actor,
  { q: text, jobs }: ExportChoice,
  limit: number,
): Promise<ExportSize[]> {
  return await q<ExportSize[]>`
    select j.id, j.name, v.version, octet_length(v.definition) as bytes
    from automation.jobs j join automation.job_versions v on v.job_id = j.id and v.version = j.latest_version
    where j.deleted_at is null and ${visibleTo(q, actor, "job")}
      and ${text === undefined ? q`true` : isCalled(q, text)}
      and ${jobs === undefined ? q`true` : q`(lower(j.name) = any(${jobs as string[]}) or j.id::text = any(${jobs as string[]}))`}
    order by lower(j.name) limit ${limit}`;
}

export interface ExportText {
  definition: Uint8Array;
  mediaType: string;
  createdAt: Date;
}

/** Versions never change, so whatever was saved since the choice does not matter. */
export async function selectExportTexts(
  q: Query,
  chosen: readonly { id: string; version: number }[],
): Promise<ExportText[]> {
  return await q<ExportText[]>`
    select v.definition, v.media_type, v.created_at
    from unnest(${chosen.map(({ id }) => id)}::uuid[], ${chosen.map(({ version }) => version)}::int[])
      with ordinality as c (id, version, place)
    join automation.job_versions v on v.job_id = c.id and v.version = c.version order by c.place`;
}

export interface NamesakeRow {
  id: string;
  name: string;
  latestVersion: number;
  revision: bigint;
  sha256: Uint8Array;
  priority: Priority | null;
  /** Whether the actor may read it. */
  visible: boolean;
  writable: boolean;
}

/**
 * The jobs that have these names (in lower case). With `lock`: those that the actor may read are locked until the end,
 * all callers in the same order.
 */
export async function selectNamesakes(
  q: Query,
  actor: Actor,
  names: readonly string[],
  { lock }: { lock: boolean },
): Promise<NamesakeRow[]> {
  const isNamed = q`lower(j.name) = any(${names as string[]}) and j.deleted_at is null`;
  if (lock)
    await q`select from automation.jobs j where ${isNamed} and ${visibleTo(q, actor, "job")}
      order by j.id for no key update of j`;
  return await q<NamesakeRow[]>`
    select j.id, j.name, j.latest_version, j.revision, v.sha256, v.spec ->> 'priority' as priority,
      ${visibleTo(q, actor, "job")} as visible, ${visibleTo(q, actor, "job", "jobs:write")} as writable
    from automation.jobs j join automation.job_versions v on v.job_id = j.id and v.version = j.latest_version
    where ${isNamed} order by j.id`;
}

/** Those of the words that mean a job which the actor may read, as a stage may call one: by name, number or id. */
export async function selectKnownJobs(q: Query, actor: Actor, words: readonly string[]): Promise<string[]> {
  if (words.length === 0) return [];
  const rows = await q<{ word: string }[]>`
    select w.word from unnest(${words as string[]}::text[]) as w (word)
    where exists (select from automation.jobs j where j.deleted_at is null and ${visibleTo(q, actor, "job")}
      and w.word in (lower(j.name), j.number::text, j.id::text))`;
  return rows.map((row) => row.word);
}
