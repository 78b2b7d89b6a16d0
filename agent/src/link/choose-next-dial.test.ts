import { expect, test } from "vitest";
import { chooseBackoff } from "./choose-backoff.ts";
import { chooseNextDial } from "./choose-next-dial.ts";

const goodbye = (code: string, retryAfterMs = 0) => ({ kind: "goodbye" as const, code, reason: "", retryAfterMs });

test("the back-off doubles to four seconds and jitters from zero", () => {
  expect([1, 2, 3, 4, 5, 6, 50].map((n) => chooseBackoff(n, 1))).toEqual([200, 400, 800, 1600, 3200, 4000, 4000]);
  expect(chooseBackoff(6, 0)).toBe(0);
});

test("retry-after is honoured up to half a minute, and never shortens our own back-off", () => {
  expect(chooseNextDial(goodbye("retry_later", 7_000), 100, 0).waitMs).toBe(7_000);
  expect(chooseNextDial(goodbye("retry_later", 9e9), 100, 0).waitMs).toBe(30_000);
  expect(chooseNextDial(goodbye("stopping", 0), 100, 0).waitMs).toBe(100);
});

test("what only a person can mend is tried every few minutes", () => {
  for (const code of ["revoked", "unknown_agent", "unsupported_version"]) {
    const next = chooseNextDial(goodbye(code), 100, 0);
    expect(next.refused).toBe(true);
    expect(next.waitMs).toBeGreaterThanOrEqual(150_000);
  }
});

test("a newer connection of the same agent makes us give way", () => {
  expect(chooseNextDial(goodbye("superseded"), 100, 0).waitMs).toBe(5_000);
});

test.each([
  [16, "anything", true],
  [14, "ssl3_read_bytes:ssl/tls alert certificate expired", true],
  [14, "tlsv13 alert certificate required", true],
  [14, "self-signed certificate in certificate chain", false],
  [14, "connect ECONNREFUSED 127.0.0.1:3443", false],
])("status %i with %j refuses the certificate: %s", (code, reason, certificateRefused) => {
  expect(chooseNextDial({ kind: "failed", code, reason }, 100, 0)).toMatchObject({ certificateRefused, waitMs: 100 });
});

test("the time in which nobody answered counts as back-off", () => {
  const silent = (waitedMs: number) => ({ kind: "failed" as const, code: 14, reason: "did not answer", waitedMs });
  expect(chooseNextDial(silent(1_000), 4_000, 0).waitMs).toBe(3_000);
  expect(chooseNextDial(silent(3_500), 2_000, 0).waitMs).toBe(0);
});

test("after our own close we dial at once", () => {
  expect(chooseNextDial({ kind: "closed", reason: "to use the new certificate" }, 4_000, 0.5).waitMs).toBe(0);
});
