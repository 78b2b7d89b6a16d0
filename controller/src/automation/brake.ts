// The brake on runaway starts: a script in a loop, or a schedule gone wild, is refused before it fills the fleet. Called by
// create-execution.ts before anything is made. Counted from the rows; starts that are made in the same instant may pass
// together, so it is a brake and no exact meter.
import { OcError } from "@opsconductor/contract/errors";
import type { Actor, Context } from "../context.ts";
import { auditRefusal } from "../identity/audit-refusal.ts";
import { selectExecutionKey } from "./execution-queries.ts";
import { actorKey } from "./idempotency.ts";
import type { RunnableVersion } from "./job-queries.ts";
import { countStarts } from "./limit-queries.ts";

/** Throws rate_limited with the seconds after which it may be tried again. */
export async function demandUnbraked(
  ctx: Context,
  actor: Actor,
  job: Pick<RunnableVersion, "jobId" | "jobName" | "brake">,
  idempotencyKey: string | undefined,
): Promise<void> {
  const { brake, jobId, jobName } = job;
  if (brake === null) return;
  // Asking again with the same key makes nothing.
  if (idempotencyKey !== undefined && (await selectExecutionKey(ctx.sql, actorKey(actor), idempotencyKey))) return;
  const starts = await countStarts(ctx.sql, {
    ...{ jobId, userId: actor.kind === "user" ? actor.id : null },
    since: new Date(ctx.now().getTime() - brake.seconds * 1000),
    limit: Math.max(brake.job ?? 0, brake.user ?? 0),
  });
  const why =
    brake.job !== null && starts.job >= brake.job
      ? `${jobName} was started ${brake.job} times`
      : brake.user !== null && starts.user >= brake.user
        ? `${actor.name} started ${brake.user} executions`
        : undefined;
  if (why === undefined) return;
  await auditRefusal(ctx, actor, {
    action: "execution.braked",
    object: { kind: "job", id: jobId, name: jobName },
    detail: { ...brake, why },
  });
  ctx.automation.metrics.braked.inc();
  ctx.log.warn({ jobId, job: jobName, actor: actor.name, why }, "execution.braked");
  throw new OcError(
    "rate_limited",
    `${why} within ${brake.seconds} s, and no more are allowed (the brake under Limits): look for what starts it in a loop, or try again later.`,
    { retryAfterSeconds: brake.seconds },
  );
}
