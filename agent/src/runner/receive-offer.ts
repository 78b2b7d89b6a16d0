// What the host does with an offer: take it, refuse it for good, or leave it unanswered while nothing can be recorded.
// Called by the host for the link. Nothing is reported that is not in the journal.

import type { EventBody, OfferRecord } from "../journal/journal.ts";
import type { OfferMessage } from "../link/host.ts";
import { Attempt, type PlannedJob } from "./attempt.ts";
import { describeKey, type HostContext } from "./host-context.ts";
import { planOffer } from "./plan-offer.ts";
import { runAttempt } from "./run-attempt.ts";
import { refusedUsers } from "./step-user.ts";

export function receiveOffer(host: HostContext, message: OfferMessage, controllerNowMs: number): void {
  const { releaseThroughStep, ...rest } = message;
  const offer: OfferRecord = { ...rest, acceptedAtMs: host.now().atMs };
  // Known: its events are in the journal, and the link tells them again where they are missing.
  if (host.attempts.has(offer.fence) || host.journal.attempt(offer.fence) !== undefined) {
    host.ready();
    return;
  }
  const answer = judge(host, offer, controllerNowMs);
  if ("plan" in answer) accept(host, new Attempt(host, offer, answer, releaseThroughStep));
  else refuse(host, offer, answer);
}

/** The planned job when it is taken, else the one event that ends it. */
function judge(host: HostContext, offer: OfferRecord, controllerNowMs: number): PlannedJob | EventBody {
  if (offer.fence <= host.journal.prunedFence()) return { kind: "tombstone", code: "pruned" };
  if (offer.startBeforeMs > 0 && controllerNowMs > offer.startBeforeMs) return { kind: "tombstone", code: "expired" };
  if (process.platform === "win32")
    return { kind: "denied", code: "unsupported", reason: "Steps on Windows need a newer agent." };
  const { planned, refusal } = planOffer(offer);
  if (planned === undefined) return { kind: "denied", ...refusal };
  const decision = host.policy.judgeOffer(offer);
  if (!decision.allowed) return { kind: "denied", code: "policy", reason: decision.reason };
  return refusedUsers(host, planned.plan) ?? planned;
}

// Acceptance is noted here and becomes durable in one commit with the first start, or before the first wait.
function accept(host: HostContext, attempt: Attempt): void {
  const { offer, fence, releaseThroughStep } = attempt;
  host.attempts.set(fence, attempt);
  attempt.record({ kind: "open", key: keyOf(offer), fence, offer, releaseThroughStep });
  attempt.note({ kind: "accepted" });
  host.log.info({ event: "assignment.accepted", ...describeKey(offer), fence, job: attempt.job.name });
  void runAttempt(host, attempt);
}

function refuse(host: HostContext, offer: OfferRecord, body: EventBody): void {
  host.log.warn({ event: "assignment.refused", ...describeKey(offer), fence: offer.fence, ...body });
  const { fence } = offer;
  host.journal.commit([
    { kind: "open", key: keyOf(offer), fence, offer: undefined, releaseThroughStep: 0 },
    { kind: "event", fence, at: host.now(), body },
  ]);
  host.ready();
}

function keyOf(offer: OfferRecord) {
  return { assignmentId: offer.assignmentId, attempt: offer.attempt };
}
