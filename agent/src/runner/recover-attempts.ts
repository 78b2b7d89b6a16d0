// Picks up at start what an earlier life of the agent left: outcomes and output not yet acknowledged, attempts not yet
// finished, folders of nobody. create-host.ts calls it before the link says hello.
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { AttemptRecord } from "../journal/journal.ts";
import { isFinal } from "../journal/journal-index.ts";
import { inlineLimitBytes } from "../output/output-registry.ts";
import { removeFolderNow } from "../output/remove-folder.ts";
import { Attempt, attemptFolder } from "./attempt.ts";
import { applyEvent } from "./attempt-progress.ts";
import { describeKey, type HostContext } from "./host-context.ts";
import { planOffer } from "./plan-offer.ts";
import { runAttempt } from "./run-attempt.ts";
import { fenceOf } from "./try-place.ts";
import { removeOldRooms } from "./user-room.ts";

/** Attempts with a step in flight first: theirs are the slots. */
export function recoverAttempts(host: HostContext): void {
  removeForeignFolders(host);
  const records = host.journal.attempts();
  for (const record of records) restoreOutput(host, record);
  const open = records.filter((r) => !isFinal(r.state)).flatMap((r) => reopen(host, r) ?? []);
  const isOpen = (fence: bigint) => open.some((attempt) => attempt.fence === fence);
  removeOldRooms(host.userFolder, isOpen);
  host.cgroups?.sweep((mark) => fenceOf(host, mark) === undefined || isOpen(fenceOf(host, mark)!));
  for (const attempt of open) host.attempts.set(attempt.fence, attempt);
  for (const attempt of open.toSorted((a, b) => Number(isInFlight(b)) - Number(isInFlight(a))))
    void runAttempt(host, attempt);
}

function reopen(host: HostContext, record: AttemptRecord): Attempt | undefined {
  const offer = host.journal.offer(record.fence)!;
  const { planned, refusal } = planOffer(offer);
  if (planned === undefined) {
    closeUnreadable(host, record, refusal.reason);
    return undefined;
  }
  const attempt = new Attempt(host, offer, planned, record.releaseThroughStep);
  for (const event of host.journal.eventsAfter(record.fence, 0n, Number(record.lastSeq)))
    applyEvent(attempt.progress, event.body, event);
  attempt.setWant(record.want, record.wantReason, record.releaseThroughStep);
  host.log.info({ event: "attempt.recovered", ...describeKey(record), fence: record.fence, state: record.state });
  return attempt;
}

/** An older agent was installed over a newer one. */
function closeUnreadable(host: HostContext, { fence }: AttemptRecord, reason: string): void {
  const body = { kind: "finished", state: "lost", reason: `after a restart ${reason}` } as const;
  host.journal.commit([{ kind: "event", fence, at: host.now(), body }]);
}

function isInFlight(attempt: Attempt): boolean {
  return [...attempt.progress.steps.values()].some((step) => step.tries.some((t) => t.state === undefined));
}

function restoreOutput(host: HostContext, { assignmentId, attempt, fence, state }: AttemptRecord): void {
  const needed = new Set<string>();
  for (const output of host.journal.outputs(fence)) {
    const address = { assignmentId, attempt, fence, stepId: output.stepId, try: output.try };
    host.outputs.restore(address, output, join(attemptFolder(host.stateFolder, fence), output.folder));
    if (output.totalBytes !== undefined && output.totalBytes > inlineLimitBytes) needed.add(output.folder);
  }
  if (!isFinal(state)) return;
  for (const name of entriesOf(attemptFolder(host.stateFolder, fence)))
    if (!needed.has(name)) removeFolderNow(join(attemptFolder(host.stateFolder, fence), name));
}

function removeForeignFolders(host: HostContext): void {
  const work = join(host.stateFolder, "work");
  mkdirSync(work, { recursive: true, mode: 0o700 });
  for (const name of entriesOf(work))
    if (!/^\d+$/.test(name) || host.journal.attempt(BigInt(name)) === undefined) removeFolderNow(join(work, name));
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
