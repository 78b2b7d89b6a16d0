// Changes what is named of a target. Called by PATCH targets/{idOrName}.
import type { Target, targetPatch } from "@opsconductor/contract/api/targets";
import { OcError } from "@opsconductor/contract/errors";
import type { z } from "zod";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context } from "../context.ts";
import { demandOn } from "../identity/demand-on.ts";
import { keepReach } from "../identity/keep-reach.ts";
import { checkTarget } from "./check-target.ts";
import { refuseTakenName } from "./create-target.ts";
import { findTarget } from "./get-target.ts";
import { auditedTarget } from "./present-target.ts";
import { publishTargets } from "./publish-targets.ts";
import { replaceServices, updateTargetColumns } from "./target-queries.ts";

interface Params {
  idOrName: string;
  patch: z.infer<typeof targetPatch>;
  /** From If-Match: the revision that the change was made against. Undefined: the last one wins. */
  revision: bigint | undefined;
}

export async function updateTarget(ctx: Context, actor: Actor, { idOrName, patch, revision }: Params): Promise<Target> {
  const target = await ctx.sql.begin(async (tx) => {
    const before = await findTarget(tx, actor, idOrName);
    const mine = { permission: "targets:write", kind: "target", ids: [before.id] } as const;
    await demandOn(ctx, tx, actor, mine);
    // Whoever moves a target to another agent gets work onto that agent's host.
    const agents = patch.managedByAgentId ? [patch.managedByAgentId] : [];
    await demandOn(ctx, tx, actor, { permission: "targets:write", kind: "agent", ids: agents });
    await checkTarget(tx, patch);
    const { services, ...columns } = patch;
    const agentId = patch.managedByAgentId === before.managedByAgentId ? null : patch.managedByAgentId;
    await keepReach(ctx, tx, actor, { targetIds: [before.id], agentId }, async () => {
      const changed = await updateTargetColumns(tx, before.id, ctx.now(), columns, revision).catch((error) =>
        refuseTakenName(error, patch.name ?? before.name),
      );
      if (!changed) refuseStale(before.name);
    });
    if (services)
      await replaceServices(
        tx,
        before.id,
        services.map((service) => ({ ...service, id: ctx.newId() })),
      );
    await demandOn(ctx, tx, actor, { ...mine, what: "the target as it would be after this change" });
    const after = await findTarget(tx, actor, before.id);
    const object = { kind: "target", id: after.id, name: after.name };
    const entry = { action: "target.updated", object, before: auditedTarget(before), after: auditedTarget(after) };
    await writeAudit(ctx, tx, actor, entry);
    return after;
  });
  publishTargets(ctx, [target.id]);
  return target;
}

function refuseStale(name: string): never {
  throw new OcError(
    "version_mismatch",
    `Somebody changed ${name} since you read it: read it again, then repeat the change.`,
  );
}
