// How much may run and begin at once: read with what it does now, and set. Called by GET and PUT limits.
import type { LimitSettings, Limits, limitsRequest } from "@opsconductor/contract/api/limits";
import { OcError } from "@opsconductor/contract/errors";
import type { z } from "zod";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context } from "../context.ts";
import { demandEverywhere } from "../identity/demand-permission.ts";
import { visibleTo } from "../identity/visible-to.ts";
import { countFleet, countWaiting, type LimitsRow, selectLimits, updateLimits } from "./limit-queries.ts";

/** Counts are of what the actor may see: how busy the rest of the fleet is, is none of theirs. */
export async function getLimits({ sql }: Pick<Context, "sql">, actor: Actor): Promise<Limits> {
  const seen = visibleTo(sql, actor, "assignment");
  const [row, running, waiting] = await Promise.all([
    selectLimits(sql),
    countFleet(sql, seen),
    countWaiting(sql, seen),
  ]);
  return {
    ...settingsOf(row),
    revision: Number(row.revision),
    running,
    waitingForAgent: waiting.agent,
    waitingForFleet: waiting.fleet,
  };
}

export async function setLimits(ctx: Context, actor: Actor, params: z.infer<typeof limitsRequest>): Promise<Limits> {
  await demandEverywhere(ctx, actor, "system:write");
  const { revision, ...to } = params;
  await ctx.sql.begin(async (tx) => {
    const before = await selectLimits(tx, { lock: true });
    if (Number(before.revision) !== revision)
      throw new OcError(
        "version_mismatch",
        "Somebody changed the limits since you read them: look again, then repeat.",
      );
    await updateLimits(tx, to);
    await writeAudit(ctx, tx, actor, {
      action: "limits.changed",
      object: { kind: "limits", id: "limits" },
      before: settingsOf(before),
      after: to,
    });
  });
  ctx.log.info({ ...to, actor: actor.name }, "limits.changed");
  ctx.automation.dispatcher.wakeAll();
  return await getLimits(ctx, actor);
}

function settingsOf(row: LimitsRow): LimitSettings {
  const { agentLimit, fleetLimit, brakeJob, brakeUser, brakeSeconds, brakeUnfinished } = row;
  return { agentLimit, fleetLimit, brakeJob, brakeUser, brakeSeconds, brakeUnfinished };
}
