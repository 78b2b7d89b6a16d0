// A database that is older than its agents remember was restored from a backup: nothing is offered until a person has
// looked. Accepting raises the generation, so that new fences are higher than all that were ever given, and every agent
// says hello again and tells what it kept. Called at hellos, by presence, and by POST system/database/accept.
import type { databaseState } from "@opsconductor/contract/api/system";
import { OcError } from "@opsconductor/contract/errors";
import type { z } from "zod";
import { writeAudit } from "../communication/audit.ts";
import { type Actor, type Context, type Query, systemActor } from "../context.ts";
import { acceptRow, type DatabasePlace, pauseRow, selectPause } from "./mark-queries.ts";
import { raiseRevocations } from "./session-queries.ts";

interface PauseEvidence {
  /** Whose word it is: an agent, or this controller itself. */
  by: string;
  reason: string;
  heardPosition: bigint;
  position: bigint;
  lifeRegisteredAt: Date;
}

/** In the transaction that noticed. Does nothing when dispatch is paused already. */
async function pauseDispatch(ctx: Context, tx: Query, evidence: PauseEvidence): Promise<void> {
  const { by, reason, lifeRegisteredAt } = evidence;
  const positions = { heardPosition: String(evidence.heardPosition), position: String(evidence.position) };
  const detail = { by, reason, ...positions, lifeRegisteredAt: lifeRegisteredAt.toISOString() };
  if (!(await pauseRow(tx, ctx.now(), detail))) return;
  await raiseRevocations(tx); // every stream begins anew and is told no mark, so that agents keep what they know
  await writeAudit(ctx, tx, systemActor, {
    action: "database.found_older",
    object: { kind: "database", id: ctx.clusterId },
    detail,
  });
  ctx.log.error(detail, "database.older_than_agents_know");
}

/** With what `judgeMark` found. */
export async function pauseForOlder(
  ctx: Context,
  tx: Query,
  by: string,
  heard: { position: bigint },
  { older, place }: { older: string | undefined; place: DatabasePlace },
): Promise<void> {
  const { position, lifeRegisteredAt } = place;
  const evidence = { by, reason: older ?? "", heardPosition: heard.position, position };
  await pauseDispatch(ctx, tx, { ...evidence, lifeRegisteredAt: lifeRegisteredAt ?? ctx.now() });
}

export async function readDatabaseState(ctx: Pick<Context, "sql">): Promise<z.infer<typeof databaseState>> {
  const { generation, pausedAt, paused } = await selectPause(ctx.sql);
  if (pausedAt === null || paused === null) return { generation, paused: null };
  const { by, reason, heardPosition, position, lifeRegisteredAt } = paused as Record<string, string>;
  const behindBytes = Math.max(0, Number(BigInt(heardPosition ?? 0) - BigInt(position ?? 0)));
  const since = pausedAt.toISOString();
  return {
    generation,
    paused: { since, by: by ?? "", reason: reason ?? "", behindBytes, restoredAt: lifeRegisteredAt ?? since },
  };
}

/** A person has looked: this database is the truth from now on. */
export async function acceptDatabase(
  ctx: Context,
  actor: Actor,
  { reason }: { reason: string },
): Promise<z.infer<typeof databaseState>> {
  const generation = await ctx.sql.begin(async (tx) => {
    const before = await selectPause(tx, { lock: true });
    if (before.pausedAt === null)
      throw new OcError("failed_precondition", "Work is not paused: there is no restored database to accept.");
    const { lifeRegisteredAt } = before.paused as { lifeRegisteredAt: string };
    const raised = await acceptRow(tx, new Date(lifeRegisteredAt));
    await raiseRevocations(tx); // every controller looks at its streams within a second
    await writeAudit(ctx, tx, actor, {
      action: "database.accepted",
      object: { kind: "database", id: ctx.clusterId },
      before: { generation: before.generation, pausedAt: before.pausedAt.toISOString() },
      after: { generation: raised },
      detail: { reason, ...before.paused },
    });
    return raised;
  });
  ctx.log.warn({ generation, actor: actor.name, reason }, "database.accepted");
  return await readDatabaseState(ctx);
}
