// TLS judges certificates by this host's wall clock; when that is what went wrong, the message says so. Pure; used where
// the agent tells why it has no connection.

/** How Node words OpenSSL's judgement of the controller's certificate. Alerts about our own read otherwise. */
const byTheClock = /certificate is not yet valid|certificate has expired/;

/** `reason`, with what to do when it is about time. */
export function explainClock(reason: string, nowMs: number): string {
  if (!byTheClock.test(reason)) return reason;
  const now = new Date(nowMs).toISOString().replace(/\.\d+Z$/, "Z");
  return `this host's clock says ${now}, and by that the controller's certificate is not valid: set the clock (${reason})`;
}
