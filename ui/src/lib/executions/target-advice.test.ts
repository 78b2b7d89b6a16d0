import { describe, expect, it } from "vitest";
import type { Assignment } from "../api/types.ts";
import { adviceOf } from "./target-advice.ts";

const now = Date.UTC(2026, 10, 23, 8);
const at = (secondsAgo: number) => new Date(now - secondsAgo * 1000).toISOString();
const target = (fields: Partial<Assignment>): Assignment =>
  ({
    ...{ state: "running", unreachable: false, unreachableSince: null, startBefore: null, overdueSince: null },
    ...{ waitingForOutput: null, lateResult: null, canAbandon: false, agentId: "a", ...fields },
  }) as Assignment;
const said = (fields: Partial<Assignment>) => adviceOf(target(fields), now);

describe("what a person can do about a target", () => {
  it("is nothing while it runs, or ended well, or is about to be complete", () => {
    const waitingForOutput = { since: at(2), state: "succeeded", missingBytes: 6 };
    for (const fields of [{}, { state: "succeeded" as const }, { waitingForOutput }])
      expect(said(fields)).toBeUndefined();
  });

  it("is to wait or to declare it lost when its agent is away, and says since when", () => {
    const away = said({ unreachable: true, unreachableSince: at(60), canAbandon: true });
    expect(away).toMatchObject({
      title: "Running, unreachable",
      canAbandon: true,
      canRetry: false,
      moment: { at: at(60) },
    });
    expect(said({ unreachable: true, overdueSince: at(5) })?.text).toMatch(/^Past its timeout/);
  });

  it("is to wait for output, with how much is missing", () => {
    const waitingForOutput = { since: at(30), state: "succeeded", missingBytes: 2048 };
    expect(said({ waitingForOutput, canAbandon: true })).toMatchObject({
      title: "Waiting for output",
      canAbandon: true,
    });
    expect(said({ waitingForOutput })?.text).toContain("2 KiB");
  });

  it("is to wait until it expires when it is queued for an agent that is away", () => {
    expect(said({ state: "queued", unreachable: true, startBefore: at(-60) })?.moment?.at).toBe(at(-60));
    expect(said({ state: "queued", agentId: null })?.text).toMatch(/No agent manages/);
  });

  it("is to retry what is lost, denied or expired; a late result is shown as what it is", () => {
    for (const state of ["lost", "denied", "expired"] as const)
      expect(said({ state })).toMatchObject({ canRetry: true });
    const lateResult = { state: "succeeded", reason: "", at: at(1) };
    expect(said({ state: "lost", lateResult })?.text).toMatch(/told that it succeeded/);
  });
});
