// What a selector or a list of names means, as it is or as running a job would take it. Called by GET targets/resolve.
import type { resolveQuery, resolveResponse } from "@opsconductor/contract/api/targets";
import { planTargets } from "@opsconductor/contract/job/plan-stage";
import type { z } from "zod";
import { previewTargets, type TargetChoice } from "../assets/resolve-targets.ts";
import { isStorable } from "../assets/storable-text.ts";
import type { Actor, Context } from "../context.ts";
import { reachToExecute } from "../identity/reach-to-execute.ts";
import { noSuchJob } from "./get-job.ts";
import { selectRunnable } from "./job-queries.ts";

export async function previewRun(
  ctx: Pick<Context, "sql">,
  actor: Actor,
  { job, ...query }: z.infer<typeof resolveQuery>,
): Promise<z.infer<typeof resolveResponse>> {
  if (job === undefined) return { ...(await previewTargets(ctx, actor, query)), limited: false };
  const found = isStorable(job) ? await selectRunnable(ctx.sql, actor, job, undefined) : undefined;
  if (!found) throw noSuchJob(job);
  const { limited, byJob } = reachToExecute(actor, found.jobId);
  const besides = byJob ? ownChoice(planTargets(found.spec)) : undefined;
  const preview = await previewTargets(ctx, actor, query, { permission: "jobs:execute", besides });
  return { ...preview, limited: limited && !byJob };
}

function ownChoice({ select, names }: ReturnType<typeof planTargets>): TargetChoice | undefined {
  if (select !== undefined) return { select };
  return names === undefined ? undefined : { names };
}
