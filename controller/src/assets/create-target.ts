// Adds a target to the inventory. Called by POST targets. (The target of an agent's own host comes with its enrolment.)
import type { Target, targetInput } from "@opsconductor/contract/api/targets";
import { OcError } from "@opsconductor/contract/errors";
import type { z } from "zod";
import { writeAudit } from "../communication/audit.ts";
import { type Actor, type Context, type Query, systemActor } from "../context.ts";
import { demandEverywhere } from "../identity/demand-permission.ts";
import { keepReach } from "../identity/keep-reach.ts";
import { checkTarget } from "./check-target.ts";
import { auditedTarget, presentTarget } from "./present-target.ts";
import { publishTargets } from "./publish-targets.ts";
import { insertTarget, replaceServices, selectTargets } from "./target-queries.ts";

export type TargetInput = z.infer<typeof targetInput>;

export async function createTarget(ctx: Context, actor: Actor, input: TargetInput): Promise<Target> {
  // A new one is in no group yet, so nothing smaller than everything can reach it.
  await demandEverywhere(ctx, actor, "targets:write");
  const target = await ctx.sql.begin((tx) => addTarget(ctx, tx, actor, input));
  publishTargets(ctx, [target.id]);
  return target;
}

async function addTarget(ctx: Context, query: Query, actor: Actor, input: TargetInput): Promise<Target> {
  await checkTarget(query, input);
  const id = ctx.newId();
  const made = { targetIds: [id], agentId: input.managedByAgentId, isNew: true };
  await keepReach(ctx, query, actor, made, () =>
    insertTarget(query, id, ctx.now(), input).catch((error) => refuseTakenName(error, input.name)),
  );
  await replaceServices(
    query,
    id,
    input.services.map((service) => ({ ...service, id: ctx.newId() })),
  );
  const [row] = await selectTargets(query, systemActor, { id, limit: 1, withFacts: true });
  const target = presentTarget(row!);
  const object = { kind: "target", id, name: target.name };
  await writeAudit(ctx, query, actor, { action: "target.created", object, after: auditedTarget(target) });
  return target;
}

/** Rethrows, as a refusal when the name is the reason. */
export function refuseTakenName(error: unknown, name: string): never {
  const { code, constraint_name: constraint } = error as { code?: string; constraint_name?: string };
  if (code !== "23505" || constraint !== "targets_name") throw error;
  throw new OcError("conflict", `There is already a target called ${name}; choose another name.`, { cause: error });
}
