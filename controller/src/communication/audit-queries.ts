// SQL of the audit log; the application's role can only insert.
import type { Actor, Query } from "../context.ts";
import type { AuditEntry } from "./audit.ts";

type Json = Parameters<Query["json"]>[0];

export async function insertAudit(
  sql: Query,
  row: AuditEntry & {
    id: string;
    at: Date;
    actor: Pick<Actor, "kind" | "id" | "name" | "sessionId" | "requestId" | "address">;
  },
): Promise<void> {
  const json = (value: Record<string, unknown> | undefined) => (value ? sql.json(value as Json) : null);
  await sql`
    insert into communication.audit (id, at, actor_kind, actor_id, actor_name, session_id, request_id, address,
      action, object_kind, object_id, object_name, outcome, before, after, detail)
    values (${row.id}, ${row.at}, ${row.actor.kind}, ${row.actor.id}, ${row.actor.name}, ${row.actor.sessionId},
      ${row.actor.requestId}, ${row.actor.address}, ${row.action}, ${row.object?.kind ?? null},
      ${row.object?.id ?? null}, ${row.object?.name ?? null}, ${row.outcome ?? "ok"}, ${json(row.before)},
      ${json(row.after)}, ${json(row.detail ?? {})})`;
}
