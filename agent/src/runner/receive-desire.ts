// What the host does when the controller says what it wants of an attempt. Desires are state: they come again at every
// hello, so each is safe to hear twice. Called by the host for the link.
import { isFinal } from "../journal/journal-index.ts";
import { JournalFull } from "../journal/journal-problems.ts";
import type { DesireMessage } from "../link/host.ts";
import type { Attempt } from "./attempt.ts";
import { forgetSoon } from "./forget-attempt.ts";
import { describeKey, type HostContext } from "./host-context.ts";

export function receiveDesire(host: HostContext, desire: DesireMessage): void {
  const { fence, want, reason, releaseThroughStep } = desire;
  const running = host.attempts.get(fence);
  const known = host.journal.attempt(fence);
  if (running === undefined && known === undefined && want === "cancel") entomb(host, desire);
  if (known !== undefined && isFinal(known.state)) {
    if (want === "forget") forgetSoon(host, fence);
    return;
  }
  if (running === undefined) return;
  const same = running.want === want && running.releaseThroughStep === releaseThroughStep;
  // A cancel is never taken back. What is not over cannot be forgotten; the controller asks again when it is.
  if (same || running.want === "cancel" || want === "forget") return;
  host.log.info({ event: "assignment.desired", ...describeKey(desire), fence, want, reason });
  running.record({ kind: "desire", fence, want, reason, releaseThroughStep });
  // On a full disk it is followed all the same: the controller says it again at every hello.
  tryCommit(running);
  running.setWant(want, reason, releaseThroughStep);
}

function tryCommit(attempt: Attempt): void {
  try {
    attempt.commitNow();
  } catch (error) {
    if (!(error instanceof JournalFull)) throw error;
  }
}

/** Cancelled before the offer came: it never was and never will be accepted. */
function entomb(host: HostContext, { assignmentId, attempt, fence }: DesireMessage): void {
  const code = fence <= host.journal.prunedFence() ? "pruned" : "cancelled";
  host.journal.commit([
    { kind: "open", key: { assignmentId, attempt }, fence, offer: undefined, releaseThroughStep: 0 },
    { kind: "event", fence, at: host.now(), body: { kind: "tombstone", code } },
  ]);
  host.ready();
}
