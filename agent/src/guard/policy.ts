// The host owner's word: asked when an offer arrives and again at each start, on exactly what will be executed. Without
// a policy file everything is allowed. The runner asks; reading real policies plugs in behind `loadPolicy`.
import { existsSync } from "node:fs";
import type { OfferRecord } from "../journal/journal.ts";

export type PolicyDecision = { allowed: true } | { allowed: false; reason: string };

/** What is about to be executed, byte for byte. */
export interface PlannedStart {
  stepId: string;
  argv: readonly string[];
  /** Text of the script that the interpreter in argv will read. */
  script: string | undefined;
  environmentNames: readonly string[];
}

export interface Policy {
  judgeOffer(offer: OfferRecord): PolicyDecision;
  judgeStart(offer: OfferRecord, start: PlannedStart): PolicyDecision;
}

const allow: PolicyDecision = { allowed: true };
const allowAll: Policy = { judgeOffer: () => allow, judgeStart: () => allow };

/** A policy that cannot be understood denies everything: its owner meant to restrict. */
export function loadPolicy(path: string): Policy {
  if (!existsSync(path)) return allowAll;
  const denied: PolicyDecision = {
    allowed: false,
    reason: `This agent cannot read the policy ${path}, so it runs nothing. Install an agent that knows policies, or move the file away.`,
  };
  return { judgeOffer: () => denied, judgeStart: () => denied };
}
