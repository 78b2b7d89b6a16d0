// An agent's row as the API and the live stream show it. Pure.
import { createHash } from "node:crypto";
import type { Agent } from "@opsconductor/contract/api/agents";
import { fingerprintDigits, fingerprintLabel } from "@opsconductor/contract/fingerprint";
import type { AgentRow } from "./agent-queries.ts";

export function presentAgent(row: AgentRow): Agent {
  return {
    id: row.id,
    name: row.name,
    state: row.state,
    stateReason: row.statusReason ?? (row.state === "offline" ? row.closeReason : null),
    quarantine: row.state === "quarantined" ? row.quarantine : null,
    version: row.version,
    platform: row.platform,
    actions: row.actions,
    labels: row.labels,
    facts: row.facts,
    factsAt: iso(row.factsAt),
    vitals: row.vitals,
    targetCount: Number(row.targetCount),
    assignmentLimit: row.assignmentLimit,
    certificate:
      row.currentSerial && row.certificateNotAfter
        ? { serial: row.currentSerial, notAfter: row.certificateNotAfter.toISOString() }
        : null,
    fingerprint: fingerprintOf(row.identityKey),
    remoteAddress: row.remoteAddress,
    enrolledAt: row.enrolledAt.toISOString(),
    connectedAt: iso(row.connectedAt),
    lastSeenAt: iso(row.lastSeenAt),
    revision: Number(row.revision),
  };
}

function fingerprintOf(identityKey: Uint8Array): string {
  return fingerprintDigits(createHash("sha256").update(fingerprintLabel).update(identityKey).digest());
}

function iso(date: Date | null): string | null {
  return date?.toISOString() ?? null;
}
