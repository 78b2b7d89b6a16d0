// Writes a refusal down, unless its caller has filled its share of the log: see refusal-limit.ts. Called where permissions
// are demanded, and by http/audit-refusals.ts for requests that never came so far.
import { type AuditEntry, writeAudit } from "../communication/audit.ts";
import type { Actor, Context } from "../context.ts";
import { networkOf } from "../network-of.ts";

export async function auditRefusal(ctx: Context, actor: Actor, { detail = {}, ...entry }: AuditEntry): Promise<void> {
  const caller = actor.id ?? (actor.address === null ? "" : networkOf(actor.address));
  const unrecorded = ctx.identity.refusals.admit(caller);
  if (unrecorded === undefined) return;
  const more = unrecorded > 0 ? { unrecorded } : {};
  await writeAudit(ctx, ctx.sql, actor, { ...entry, outcome: "refused", detail: { ...detail, ...more } });
}
