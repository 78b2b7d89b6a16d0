// Takes a job out of the lists; its versions and history stay. Called by DELETE jobs/{idOrName}.
import { OcError } from "@opsconductor/contract/errors";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context } from "../context.ts";
import { demandOn } from "../identity/demand-on.ts";
import { findJob } from "./get-job.ts";
import { countUnfinishedOfJob, lockJob, markJobDeleted } from "./job-queries.ts";
import { publishJob } from "./save-job.ts";

export async function deleteJob(
  ctx: Context,
  actor: Actor,
  { idOrName, revision }: { idOrName: string; revision: bigint | undefined },
): Promise<void> {
  const job = await findJob(ctx.sql, actor, idOrName);
  await demandOn(ctx, ctx.sql, actor, { permission: "jobs:write", kind: "job", ids: [job.id] });
  await ctx.sql.begin(async (tx) => {
    const locked = await lockJob(tx, job.id);
    if (!locked) return;
    if (revision !== undefined && locked.revision !== revision)
      throw new OcError("version_mismatch", `Somebody saved ${job.name} since you read it: look at it again first.`);
    const unfinished = await countUnfinishedOfJob(tx, job.id);
    if (unfinished > 0)
      throw new OcError(
        "failed_precondition",
        `${job.name} has ${unfinished} unfinished ${unfinished === 1 ? "execution" : "executions"}: wait for the end or cancel first.`,
      );
    await markJobDeleted(tx, job.id, ctx.now());
    const object = { kind: "job", id: job.id, name: job.name };
    await writeAudit(ctx, tx, actor, { action: "job.deleted", object, before: { version: job.latestVersion } });
  });
  publishJob(ctx, job.id);
}
