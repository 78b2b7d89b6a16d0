// One row for every change that a person, program or agent causes: written in the change's own transaction, so that
// neither can exist without the other. Called by verbs.
import type { Actor, Context, Query } from "../context.ts";
import { insertAudit } from "./audit-queries.ts";

export interface AuditEntry {
  /** What happened, in the past: job.created, execution.cancelled, user.signed_in … */
  action: string;
  object?: { kind: string; id: string; name?: string };
  /** A refusal that is worth knowing: a wrong password, a missing permission. */
  outcome?: "ok" | "refused";
  before?: Record<string, unknown>;
  after?: Record<string, unknown>;
  detail?: Record<string, unknown>;
}

/** `query` is the open transaction of the change. Never put a secret into before, after or detail. */
export async function writeAudit(
  ctx: Pick<Context, "now" | "newId">,
  query: Query,
  actor: Actor,
  entry: AuditEntry,
): Promise<void> {
  const { token } = actor;
  // The user's name alone would not say which of their programs it was.
  const detail = token ? { detail: { ...entry.detail, token: { id: token.id, name: token.name } } } : {};
  await insertAudit(query, { ...entry, ...detail, id: ctx.newId(), at: ctx.now(), actor });
}
