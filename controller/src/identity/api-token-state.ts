// Whether an API token may be used now. Pure; asked at each request and by lists.

export type ApiTokenState = "active" | "expired" | "revoked" | "suspended";

interface Facts {
  revokedAt: Date | null;
  expiresAt: Date | null;
  /** Of its owner. */
  active: boolean;
}

export function apiTokenState({ revokedAt, expiresAt, active }: Facts, now: Date): ApiTokenState {
  if (revokedAt) return "revoked";
  if (expiresAt && expiresAt <= now) return "expired";
  return active ? "active" : "suspended";
}
