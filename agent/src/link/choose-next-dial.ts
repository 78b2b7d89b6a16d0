// What the end of a session means for the next one: when to dial, and whether another certificate is needed. Pure.
import type { SessionEnd } from "./session.ts";

export interface NextDial {
  waitMs: number;
  /** The certificate was refused: try the other slot, then prove the identity. */
  certificateRefused: boolean;
  /** Only a person can help: dial seldom, and say so in `status`. */
  refused: boolean;
}

const mostRetryAfterMs = 30_000;
const personMs = 300_000;
/** Somebody else speaks for this agent: give way, so that two copies do not push each other out in turns. */
const supersededMs = 10_000;
const unauthenticated = 16;
/** How OpenSSL's alerts about our certificate arrive, since in TLS 1.3 the handshake is over by then. */
const certificateAlert =
  /alert (bad certificate|certificate|unknown ca)|certificate (expired|revoked|unknown|required)/i;

/** `backoffMs`: what our own back-off says. `random`: 0..1. */
export function chooseNextDial(end: SessionEnd, backoffMs: number, random: number): NextDial {
  const next = (waitMs: number, changes: Partial<NextDial> = {}) => ({
    waitMs: Math.round(waitMs),
    certificateRefused: false,
    refused: false,
    ...changes,
  });
  if (end.kind === "closed") return next(0);
  if (end.kind === "failed") {
    const certificateRefused = end.code === unauthenticated || certificateAlert.test(end.reason);
    return next(Math.max(0, backoffMs - (end.waitedMs ?? 0)), { certificateRefused });
  }
  switch (end.code) {
    case "revoked":
    case "unknown_agent":
    case "unsupported_version":
      return next(personMs * (0.5 + random / 2), { refused: true });
    case "superseded":
      return next(supersededMs * (0.5 + random));
    case "certificate_expired":
      return next(backoffMs, { certificateRefused: true });
    default:
      return next(Math.max(backoffMs, Math.min(end.retryAfterMs, mostRetryAfterMs)));
  }
}
