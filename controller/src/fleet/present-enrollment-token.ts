// A join token as the API shows it: its state follows from its times. Pure.
import type { enrollmentToken } from "@opsconductor/contract/api/agents";
import type { z } from "zod";
import type { EnrollmentTokenRow } from "./enrollment-token-queries.ts";

export type EnrollmentToken = z.infer<typeof enrollmentToken>;

export function presentEnrollmentToken(row: EnrollmentTokenRow, now: Date): EnrollmentToken {
  return {
    id: row.id,
    state: stateOf(row, now),
    namePattern: row.namePattern,
    labels: row.labels,
    cidr: row.cidr,
    createdAt: row.createdAt.toISOString(),
    createdByName: row.createdByName,
    expiresAt: row.expiresAt.toISOString(),
    usedAt: row.usedAt?.toISOString() ?? null,
    usedByAgentId: row.usedByAgent,
    usedByAgentName: row.usedByAgentName,
    refusedAt: row.refusedAt?.toISOString() ?? null,
  };
}

function stateOf(row: EnrollmentTokenRow, now: Date): EnrollmentToken["state"] {
  if (row.usedAt) return "used";
  if (row.revokedAt) return "revoked";
  return row.expiresAt <= now ? "expired" : "waiting";
}
