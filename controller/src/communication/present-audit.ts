// A row of the audit log as the API shows it. Called by list-audit.ts and export-audit.ts.
import type { AuditEntry } from "@opsconductor/contract/api/audit";
import type { AuditRecord } from "@opsconductor/contract/audit-chain";
import type { AuditRow } from "./audit-queries.ts";

export function presentAudit(row: AuditRow): AuditEntry {
  return {
    id: row.id,
    at: row.at,
    actor: { kind: row.actorKind as AuditEntry["actor"]["kind"], id: row.actorId, name: row.actorName },
    sessionId: row.sessionId,
    requestId: row.requestId,
    address: row.address,
    action: row.action,
    object: row.objectKind === null ? null : { kind: row.objectKind, id: row.objectId, name: row.objectName },
    outcome: row.outcome as AuditEntry["outcome"],
    before: row.before as AuditEntry["before"],
    after: row.after as AuditEntry["after"],
    detail: row.detail as AuditEntry["detail"],
    position: row.position === null ? null : Number(row.position),
    hash: row.hash?.toString("hex") ?? null,
  };
}

/** The way back, for whoever checks an export. */
export function recordOf(entry: AuditEntry): AuditRecord {
  const { id, at, actor, object, sessionId, requestId, address, action, outcome, before, after, detail } = entry;
  const who = { actorKind: actor.kind, actorId: actor.id, actorName: actor.name, sessionId, requestId, address };
  const what = { objectKind: object?.kind ?? null, objectId: object?.id ?? null, objectName: object?.name ?? null };
  return { id, at, ...who, action, ...what, outcome, before, after, detail };
}
