// SQL of the audit log; the application's role can insert and read, never change.
import type { AuditRecord } from "@opsconductor/contract/audit-chain";
import type { Actor, Query } from "../context.ts";
import { jsonb } from "../jsonb.ts";
import type { AuditEntry } from "./audit.ts";
import { recordColumns } from "./audit-chain-queries.ts";

type Fragment = ReturnType<Query>;

export async function insertAudit(
  sql: Query,
  row: AuditEntry & {
    id: string;
    at: Date;
    actor: Pick<Actor, "kind" | "id" | "name" | "sessionId" | "requestId" | "address">;
  },
): Promise<void> {
  const json = (value: Record<string, unknown> | undefined) => (value ? jsonb(sql, value) : null);
  await sql`
    insert into communication.audit (id, at, actor_kind, actor_id, actor_name, session_id, request_id, address,
      action, object_kind, object_id, object_name, outcome, before, after, detail)
    values (${row.id}, ${row.at}, ${row.actor.kind}, ${row.actor.id}, ${row.actor.name}, ${row.actor.sessionId},
      ${row.actor.requestId}, ${row.actor.address}, ${row.action}, ${row.object?.kind ?? null},
      ${row.object?.id ?? null}, ${row.object?.name ?? null}, ${row.outcome ?? "ok"}, ${json(row.before)},
      ${json(row.after)}, ${json(row.detail ?? {})})`;
}

export interface AuditFilterValues {
  /** A whole action, or its beginning. */
  action?: { text: string; isPrefix: boolean } | undefined;
  actor?: string | undefined;
  actorKind?: string | undefined;
  object?: string | undefined;
  objectKind?: string | undefined;
  outcome?: string | undefined;
  from?: Date | undefined;
  to?: Date | undefined;
}

export type AuditRow = AuditRecord & { position: bigint | null; hash: Buffer | null };

/** Newest first by the time at which it was written (UUIDv7), below `before`. */
export async function selectAudit(
  q: Query,
  filter: AuditFilterValues,
  page: { before: string | undefined; limit: number },
): Promise<AuditRow[]> {
  return q<AuditRow[]>`
    select ${recordColumns(q)}, c.position, c.hash
    from communication.audit a left join communication.audit_chain c on c.audit_id = a.id
    where ${whereOf(q, filter)} and ${page.before === undefined ? q`true` : q`a.id < ${page.before}`}
    order by a.id desc limit ${page.limit}`;
}

/** By the index of objects. */
export async function selectSignIns(
  q: Query,
  userId: string,
  actions: string[],
  page: { before: string | undefined; limit: number },
): Promise<AuditRecord[]> {
  return q<AuditRecord[]>`
    select ${recordColumns(q)} from communication.audit a
    where a.object_kind = 'user' and a.object_id = ${userId} and a.action = any(${actions})
      and ${page.before === undefined ? q`true` : q`a.id < ${page.before}`}
    order by a.id desc limit ${page.limit}`;
}

function whereOf(q: Query, f: AuditFilterValues): Fragment {
  const when = (value: unknown, condition: Fragment) => (value === undefined ? q`true` : condition);
  return q`${when(f.action, actionIs(q, f.action))}
    and ${when(f.actor, q`(a.actor_id = ${f.actor ?? ""} or lower(a.actor_name) = lower(${f.actor ?? ""}))`)}
    and ${when(f.actorKind, q`a.actor_kind = ${f.actorKind ?? ""}`)}
    and ${when(f.object, q`(a.object_id = ${f.object ?? ""} or lower(a.object_name) = lower(${f.object ?? ""}))`)}
    and ${when(f.objectKind, q`a.object_kind = ${f.objectKind ?? ""}`)}
    and ${when(f.outcome, q`a.outcome = ${f.outcome ?? ""}`)}
    and ${when(f.from, q`a.at >= ${f.from ?? null}`)}
    and ${when(f.to, q`a.at < ${f.to ?? null}`)}`;
}

function actionIs(q: Query, action: AuditFilterValues["action"]): Fragment {
  return action?.isPrefix ? q`starts_with(a.action, ${action.text})` : q`a.action = ${action?.text ?? ""}`;
}

/** Rows that wait to be chained, and how long the oldest has. */
export async function selectChainLag(q: Query): Promise<{ rows: bigint; seconds: number }> {
  const [row] = await q<{ rows: bigint; seconds: number }[]>`
    select count(*) as rows, coalesce(extract(epoch from now() - min(a.at)), 0)::float8 as seconds
    from communication.audit_unchained u join communication.audit a on a.id = u.audit_id`;
  return row!;
}
