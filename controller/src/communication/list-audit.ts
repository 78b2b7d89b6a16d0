// The audit log, newest first, by filters. Called by GET audit.
import type { AuditEntry, AuditFilter, auditListQuery } from "@opsconductor/contract/api/audit";
import { OcError } from "@opsconductor/contract/errors";
import type { z } from "zod";
import type { Context } from "../context.ts";
import { decodeCursor, encodeCursor } from "../cursor.ts";
import { type AuditFilterValues, selectAudit } from "./audit-queries.ts";
import { presentAudit } from "./present-audit.ts";

export async function listAudit(
  ctx: Pick<Context, "sql">,
  { limit, cursor, ...filter }: z.infer<typeof auditListQuery>,
): Promise<{ items: AuditEntry[]; nextCursor?: string }> {
  const before = cursor === undefined ? undefined : idOfCursor(cursor);
  const rows = await selectAudit(ctx.sql, filterValues(filter), { before, limit: limit + 1 });
  const items = rows.slice(0, limit).map(presentAudit);
  const last = items.at(-1);
  return rows.length <= limit || !last ? { items } : { items, nextCursor: encodeCursor([last.id]) };
}

/** `execution.*` means every action that begins so. */
export function filterValues({ action, from, to, ...rest }: AuditFilter): AuditFilterValues {
  return {
    ...rest,
    action: action === undefined ? undefined : { text: action.replace(/\*$/, ""), isPrefix: action.endsWith("*") },
    from: from === undefined ? undefined : new Date(from),
    to: to === undefined ? undefined : new Date(to),
  };
}

function idOfCursor(cursor: string): string {
  const id = decodeCursor(cursor, 1)[0]!;
  if (/^[0-9a-f-]{36}$/.test(id)) return id;
  throw new OcError("invalid_argument", "The cursor is not one of ours: start from the first page.");
}
