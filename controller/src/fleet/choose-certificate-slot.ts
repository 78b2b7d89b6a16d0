// What a certificate's serial means for an agent that holds up to two: the current one and one that waits for its first
// use. Pure; the rule of security.md.

export interface Slots {
  currentSerial: string | null;
  pendingSerial: string | null;
  previousSerial: string | null;
  serialActivatedAt: Date | null;
}

export type Slot = "current" | "pending" | "stale" | "stolen";

/** Time for the answer that told the agent "your new certificate works" to reach it. */
const acknowledgedAfterMs = 5_000;

/**
 * An agent syncs a new certificate to disk before its first use and never goes back. So a connection that was opened
 * with the older one after the new one was acknowledged comes from a copy of its key.
 */
export function chooseCertificateSlot(slots: Slots, serial: string, connectionOpenedAt: Date): Slot {
  if (serial === slots.currentSerial) return "current";
  if (serial === slots.pendingSerial) return "pending";
  if (serial !== slots.previousSerial || !slots.serialActivatedAt) return "stale";
  const acknowledgedAt = slots.serialActivatedAt.getTime() + acknowledgedAfterMs;
  return connectionOpenedAt.getTime() > acknowledgedAt ? "stolen" : "stale";
}
