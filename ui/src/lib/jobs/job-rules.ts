// What a job's definition says beside its steps, as label and value: rollout, approval, what it waits for, when it ends.
// Pure; the job's page shows it.
import type { Job } from "@opsconductor/contract/job/job-schema";
import { jobRules as words } from "../messages/areas/job-rules.ts";
import { limits } from "../messages/areas/limits.ts";
import type { DetailRow } from "../ui/details.svelte";
import { boundWords, writtenBounds } from "./step-bounds.ts";

/** A stored definition, with its defaults. */
export type Ruled = Pick<Job, "name"> &
  Partial<Pick<Job, "runAs" | "limits" | "timeout" | "deadline" | "rollout" | "approval" | "concurrency" | "priority">>;

export function jobRules(job: Ruled): DetailRow[] {
  const rows: [string, string | undefined][] = [
    [words.runAs, job.runAs ?? words.ownUser],
    [words.limits, boundWords(writtenBounds({}, { limits: job.limits })).join(" · ")],
    [words.timeout, job.timeout && words.timeoutOf(job.timeout)],
    [words.deadline, job.deadline && words.timeoutOf(job.deadline)],
    [words.rollout, job.rollout && rolloutWords(job.rollout)],
    [words.approval, job.approval && approvalWords(job.approval)],
    [words.concurrency, job.concurrency && concurrencyWords(job.concurrency, job.name)],
    [words.priority, job.priority === "normal" ? "" : job.priority && limits.priorities[job.priority]],
  ];
  return rows.flatMap(([label, value]) => (value ? [{ label, value }] : []));
}

export function rolloutWords({ canary, batch, pause, maxFailures, order }: NonNullable<Job["rollout"]>): string {
  return [
    canary === undefined ? words.batch(String(batch)) : words.canary(String(canary)),
    canary === undefined ? "" : words.thenBatch(String(batch)),
    pause === "0s" ? "" : words.pause(pause),
    words.mayFail(String(maxFailures)),
    order === "step-first" ? words.stepFirst : "",
  ]
    .filter(Boolean)
    .join(", ");
}

function approvalWords({ by, required, notRequester, expires }: NonNullable<Job["approval"]>): string {
  const who = words.required(required, by?.join(", ") ?? words.anybody);
  return [who, notRequester ? words.notRequester : "", words.expires(expires)].filter(Boolean).join(", ");
}

function concurrencyWords({ key, limit, onConflict }: NonNullable<Job["concurrency"]>, name: string): string {
  return `${words.atMost(limit, key ?? name)}, ${words.conflict[onConflict]}`;
}

export function offlineWords({ offline = "queue", offlineExpiry = "24h" }: NonNullable<Job["targets"]>): string {
  return words.offline[offline](offlineExpiry);
}
