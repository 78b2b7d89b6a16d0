import { expect, test } from "vitest";
import { explainClock } from "./clock-trouble.ts";

const nowMs = Date.UTC(2026, 10, 22, 8, 30);

test.each(["certificate is not yet valid", "certificate has expired"])(
  "%s is told as what it is: the clock",
  (words) => {
    const reason = `No connection established. Last error: ${words} (2026-11-22T08:30:00.000Z)`;
    const told = explainClock(reason, nowMs);
    expect(told).toContain("this host's clock says 2026-11-22T08:30:00Z");
    expect(told).toContain("set the clock");
    expect(told).toContain(reason);
  },
);

test("what has nothing to do with time is left as it is", () => {
  for (const reason of ["tlsv13 alert certificate expired", "connect ECONNREFUSED 127.0.0.1:3443"])
    expect(explainClock(reason, nowMs)).toBe(reason);
});
