// Takes a target out of the inventory; its history stays. Called by DELETE targets/{idOrName}.
import { OcError } from "@opsconductor/contract/errors";
import { writeAudit } from "../communication/audit.ts";
import { type Actor, type Context, type Query, systemActor } from "../context.ts";
import { demandOn } from "../identity/demand-on.ts";
import { findTarget } from "./get-target.ts";
import { auditedTarget } from "./present-target.ts";
import { publishTargets } from "./publish-targets.ts";
import { lockTarget, markTargetDeleted, selectOwnAgent, selectUnfinishedExecutions } from "./target-queries.ts";

interface Params {
  idOrName: string;
  revision: bigint | undefined;
}

export async function deleteTarget(ctx: Context, actor: Actor, { idOrName, revision }: Params): Promise<void> {
  const id = await ctx.sql.begin(async (tx) => {
    const target = await findTarget(tx, actor, idOrName);
    await demandOn(ctx, tx, actor, { permission: "targets:write", kind: "target", ids: [target.id] });
    const locked = await lockTarget(tx, target.id);
    if (!locked) throw new OcError("not_found", `There is no target ${target.name} any more.`);
    if (revision !== undefined && locked.revision !== revision) {
      throw new OcError("version_mismatch", `Somebody changed ${target.name} since you read it: read it again first.`);
    }
    await refuseWhileUsed(tx, target);
    // The row of the log is whole, whatever groups its author may see.
    const whole = await findTarget(tx, systemActor, target.id);
    await markTargetDeleted(tx, target.id, ctx.now());
    const object = { kind: "target", id: target.id, name: target.name };
    await writeAudit(ctx, tx, actor, { action: "target.deleted", object, before: auditedTarget(whole) });
    return target.id;
  });
  publishTargets(ctx, [id]);
}

async function refuseWhileUsed(query: Query, { id, name }: { id: string; name: string }): Promise<void> {
  const agent = await selectOwnAgent(query, id);
  if (agent) {
    throw new OcError("failed_precondition", `${name} is the host of the agent ${agent.name}: revoke the agent first.`);
  }
  const executions = await selectUnfinishedExecutions(query, id);
  if (executions.length === 0) return;
  const numbers = executions.map((e) => `#${e.number}`).join(", ");
  throw new OcError("failed_precondition", `${name} still has unfinished work (${numbers}): cancel it or wait for it.`);
}
