// The brake on runaway starts: a script in a loop, or a schedule gone wild, is refused before it fills the fleet. Called by
// create-execution.ts before anything is made. Counted from the rows; starts that are made in the same instant may pass
// together, so it is a brake and no exact meter.
import { OcError } from "@opsconductor/contract/errors";
import type { Actor, Context } from "../context.ts";
import { auditRefusal } from "../identity/audit-refusal.ts";
import { selectExecutionKey } from "./execution-queries.ts";
import { actorKey } from "./idempotency.ts";
import type { Brake, RunnableVersion } from "./job-queries.ts";
import { countStarts, countUnfinished } from "./limit-queries.ts";

/** Throws rate_limited with the seconds after which it may be tried again. */
export async function demandUnbraked(
  ctx: Context,
  actor: Actor,
  job: Job,
  idempotencyKey: string | undefined,
): Promise<void> {
  const { brake, jobId, jobName } = job;
  if (brake === null) return;
  const refused = (await startedTooOften(ctx, actor, job, brake)) ?? (await piledUp(ctx, job, brake));
  if (refused === undefined) return;
  // Asking again with the same key makes nothing.
  if (idempotencyKey !== undefined && (await selectExecutionKey(ctx.sql, actorKey(actor), idempotencyKey))) return;
  const { why, retryAfterSeconds } = refused;
  await auditRefusal(ctx, actor, {
    action: "execution.braked",
    object: { kind: "job", id: jobId, name: jobName },
    detail: { ...brake, why },
  });
  ctx.automation.metrics.braked.inc();
  ctx.log.warn({ jobId, job: jobName, actor: actor.name, why }, "execution.braked");
  throw new OcError(
    "rate_limited",
    `${why}, and no more are allowed (the brake under Limits): look for what starts it in a loop, or try again later.`,
    { retryAfterSeconds },
  );
}

type Job = Pick<RunnableVersion, "jobId" | "jobName" | "brake">;
interface Refused {
  why: string;
  retryAfterSeconds: number;
}

async function startedTooOften(ctx: Context, actor: Actor, job: Job, brake: Brake): Promise<Refused | undefined> {
  if (brake.job === null && brake.user === null) return undefined;
  const starts = await countStarts(ctx.sql, {
    ...{ jobId: job.jobId, userId: actor.kind === "user" ? actor.id : null },
    since: new Date(ctx.now().getTime() - brake.seconds * 1000),
    limit: Math.max(brake.job ?? 0, brake.user ?? 0),
  });
  const within = { retryAfterSeconds: brake.seconds };
  if (brake.job !== null && starts.job >= brake.job)
    return {
      why: `${job.jobName} was started ${brake.job === 1 ? "once" : `${brake.job} times`} within ${brake.seconds} s`,
      ...within,
    };
  if (brake.user !== null && starts.user >= brake.user)
    return { why: `${actor.name} started ${brake.user} executions within ${brake.seconds} s`, ...within };
  return undefined;
}

/** Every start would pay for a count that hardly ever says anything: it is taken after every twentieth of what is allowed. */
const countsPerPile = 20;
const pileRetrySeconds = 60;

async function piledUp(
  ctx: Context,
  { jobId, jobName }: Job,
  { unfinished: most }: Brake,
): Promise<Refused | undefined> {
  if (most === null) return undefined;
  const { uncounted } = ctx.automation;
  const left = Math.min(uncounted.get(jobId) ?? 0, most);
  if (left > 0) {
    uncounted.set(jobId, left - 1);
    return undefined;
  }
  const unfinished = await countUnfinished(ctx.sql, jobId, most);
  if (unfinished >= most)
    return {
      why: `${most} executions of ${jobName} are not finished`,
      retryAfterSeconds: pileRetrySeconds,
    };
  uncounted.set(jobId, Math.min(Math.floor(most / countsPerPile), most - unfinished - 1));
  return undefined;
}
