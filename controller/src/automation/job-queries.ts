// SQL of jobs and their versions. Called by the verbs of jobs.
import type { Job } from "@opsconductor/contract/job/job-schema";
import type { Priority } from "@opsconductor/contract/job/priorities";
import type { Permission } from "@opsconductor/contract/permissions";
import type { ExecutionState } from "@opsconductor/contract/states";
import type { Actor, Query } from "../context.ts";
import { type Fragment, visibleTo } from "../identity/visible-to.ts";
import { jsonb } from "../jsonb.ts";

export interface JobRow {
  id: string;
  number: bigint;
  name: string;
  description: string;
  labels: Record<string, string>;
  latestVersion: number;
  createdAt: Date;
  updatedAt: Date;
  updatedByName: string | null;
  revision: bigint;
}

export interface SparkRow {
  id: string;
  number: bigint;
  state: ExecutionState;
  createdAt: Date;
  finishedAt: Date | null;
}

export interface VersionRow {
  version: number;
  sha256: Uint8Array;
  message: string;
  createdAt: Date;
  createdByName: string | null;
}

export interface VersionText extends VersionRow {
  definition: Uint8Array;
  mediaType: string;
  spec: Job;
}

const jobColumns = (q: Query): Fragment => q`
  j.id, j.number, j.name, j.description, j.labels, j.latest_version, j.created_at, j.updated_at, j.revision,
  (select u.username from automation.job_versions v join identity.users u on u.id = v.created_by
   where v.job_id = j.id and v.version = j.latest_version) as updated_by_name`;

/** By id, name in any case, or number; a name that looks like a number wins over the number. */
function jobIs(q: Query, idOrName: string): Fragment {
  const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(idOrName) ? idOrName : null;
  const number = /^\d{1,15}$/.test(idOrName) ? idOrName : null;
  return q`(j.id = ${uuid} or lower(j.name) = ${idOrName.toLowerCase()} or (j.number = ${number}::bigint and not exists (
    select 1 from automation.jobs n where lower(n.name) = ${idOrName} and n.deleted_at is null)))`;
}

export async function selectJob(q: Query, actor: Actor, idOrName: string): Promise<JobRow | undefined> {
  const [row] = await q<JobRow[]>`
    select ${jobColumns(q)} from automation.jobs j
    where ${jobIs(q, idOrName)} and j.deleted_at is null and ${visibleTo(q, actor, "job")}`;
  return row;
}

/** The job's row, locked against other saves and the deletion. */
export async function lockJob(q: Query, id: string): Promise<{ revision: bigint; latestVersion: number } | undefined> {
  const [row] = await q<{ revision: bigint; latestVersion: number }[]>`
    select revision, latest_version from automation.jobs where id = ${id} and deleted_at is null for no key update`;
  return row;
}

export interface JobFilter {
  q: string | undefined;
  /** Lower-case name of the last row of the page before. */
  afterName: string | undefined;
  limit: number;
}

/** As the console filters what it has, so that both mean the same jobs. */
export const isCalled = (q: Query, text: string): Fragment =>
  q`position(lower(${text}) in lower(j.name || ' ' || j.description)) > 0`;

export async function selectJobs(q: Query, actor: Actor, f: JobFilter): Promise<JobRow[]> {
  return await q<JobRow[]>`
    select ${jobColumns(q)} from automation.jobs j
    where j.deleted_at is null and ${visibleTo(q, actor, "job")}
      and ${f.q === undefined ? q`true` : isCalled(q, f.q)}
      and ${f.afterName === undefined ? q`true` : q`lower(j.name) > ${f.afterName}`}
    order by lower(j.name) limit ${f.limit}`;
}

/** The newest executions of each of these jobs, for the sparks beside their names. */
export async function selectSparks(
  q: Query,
  actor: Actor,
  jobIds: readonly string[],
  each: number,
): Promise<(SparkRow & { jobId: string })[]> {
  return await q<(SparkRow & { jobId: string })[]>`
    select j.id as job_id, e.id, e.number, e.state, e.created_at, e.finished_at
    from unnest(${jobIds as string[]}::uuid[]) as j(id) cross join lateral (
      select id, number, state, created_at, finished_at from automation.executions e
      where job_id = j.id and ${visibleTo(q, actor, "execution")} order by id desc limit ${each}
    ) e order by e.id desc`;
}

export interface NewVersion {
  jobId: string;
  version: number;
  definition: Uint8Array;
  mediaType: string;
  sha256: Uint8Array;
  spec: Job;
  message: string;
  createdBy: string | null;
  createdAt: Date;
}

export async function insertJob(q: Query, id: string, spec: Job, createdBy: string | null, at: Date): Promise<void> {
  await q`
    insert into automation.jobs (id, name, description, labels, latest_version, created_by, created_at, updated_at)
    values (${id}, ${spec.name}, ${spec.description}, ${q.json(spec.labels)}, 1, ${createdBy}, ${at}, ${at})`;
}

export async function insertVersion(q: Query, v: NewVersion): Promise<void> {
  await q`
    insert into automation.job_versions
      (job_id, version, definition, media_type, sha256, spec, message, created_by, created_at)
    values (${v.jobId}, ${v.version}, ${Buffer.from(v.definition)}, ${v.mediaType}, ${Buffer.from(v.sha256)},
      ${jsonb(q, v.spec)}, ${v.message}, ${v.createdBy}, ${v.createdAt})`;
}

export async function updateJobToVersion(q: Query, id: string, spec: Job, version: number, at: Date): Promise<void> {
  await q`
    update automation.jobs
    set name = ${spec.name}, description = ${spec.description}, labels = ${q.json(spec.labels)},
      latest_version = ${version}, updated_at = ${at}, revision = revision + 1
    where id = ${id}`;
}

export async function markJobDeleted(q: Query, id: string, at: Date): Promise<void> {
  await q`update automation.jobs set deleted_at = ${at}, revision = revision + 1 where id = ${id}`;
}

export async function countUnfinishedOfJob(q: Query, jobId: string): Promise<number> {
  const [row] = await q<[{ n: bigint }]>`
    select count(*) as n from automation.executions where job_id = ${jobId} and finished_at is null`;
  return Number(row.n);
}

export async function selectVersions(
  q: Query,
  jobId: string,
  before: number | undefined,
  limit: number,
): Promise<VersionRow[]> {
  return await q<VersionRow[]>`
    select v.version, v.sha256, v.message, v.created_at, u.username as created_by_name
    from automation.job_versions v left join identity.users u on u.id = v.created_by
    where v.job_id = ${jobId} and ${before === undefined ? q`true` : q`v.version < ${before}`}
    order by v.version desc limit ${limit}`;
}

export async function selectVersion(q: Query, jobId: string, version: number): Promise<VersionText | undefined> {
  const [row] = await q<VersionText[]>`
    select v.version, v.sha256, v.message, v.created_at, u.username as created_by_name, v.definition, v.media_type, v.spec
    from automation.job_versions v left join identity.users u on u.id = v.created_by
    where v.job_id = ${jobId} and v.version = ${version}`;
  return row;
}

export async function selectVersionHash(q: Query, jobId: string, version: number): Promise<Uint8Array | undefined> {
  const [row] = await q<{ sha256: Uint8Array }[]>`
    select sha256 from automation.job_versions where job_id = ${jobId} and version = ${version}`;
  return row?.sha256;
}

export interface RunnableVersion {
  jobId: string;
  jobName: string;
  version: number | null;
  latestVersion: number;
  sha256: Uint8Array;
  spec: Job;
  /** Null: all of it is taken off. */
  brake: Brake | null;
}

/** How often a job may be started, and a user may start something, within some seconds; how many of a job may be under way. */
export interface Brake {
  unfinished: number | null;
  job: number | null;
  user: number | null;
  seconds: number;
}

/** What an execution is made from, in one query; `version` is null when the job has no such version. */
export async function selectRunnable(
  q: Query,
  actor: Actor,
  idOrName: string,
  version: number | undefined,
  permission: Permission = "jobs:execute",
): Promise<RunnableVersion | undefined> {
  const [row] = await q<RunnableVersion[]>`
    select j.id as job_id, j.name as job_name, j.latest_version, v.version, v.sha256, v.spec,
      (select jsonb_build_object('job', brake_job, 'user', brake_user, 'seconds', brake_seconds, 'unfinished', brake_unfinished)
        from automation.limits where coalesce(brake_job, brake_user, brake_unfinished) is not null) as brake
    from automation.jobs j
    left join automation.job_versions v on v.job_id = j.id and v.version = ${version === undefined ? q`j.latest_version` : version}
    where ${jobIs(q, idOrName)} and j.deleted_at is null and ${visibleTo(q, actor, "job", permission)}`;
  return row;
}

/** For "did you mean …". */
export async function selectJobNames(q: Query, actor: Actor, limit: number): Promise<string[]> {
  const rows = await q<{ name: string }[]>`
    select j.name from automation.jobs j where j.deleted_at is null and ${visibleTo(q, actor, "job")}
    order by j.updated_at desc limit ${limit}`;
  return rows.map((row) => row.name);
}

export async function selectPriority(q: Query, jobId: string): Promise<Priority> {
  const [row] = await q<{ priority: Priority | null }[]>`
    select v.spec ->> 'priority' as priority from automation.jobs j
    join automation.job_versions v on v.job_id = j.id and v.version = j.latest_version where j.id = ${jobId}`;
  return row?.priority ?? "normal";
}

/** Which of the names the program itself gave to a job's first version: also when it was renamed or deleted since. */
export async function selectSeededNames(sql: Query, names: readonly string[]): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    select distinct spec ->> 'name' as name from automation.job_versions
    where version = 1 and created_by is null and spec ->> 'name' = any(${names as string[]}::text[])`;
  return rows.map((row) => row.name);
}
