// Lets go of an outcome that the controller has stored for good, or that nobody asked about for a month.
import { rm } from "node:fs/promises";
import { isFinal } from "../journal/journal-index.ts";
import { attemptFolder } from "./attempt.ts";
import type { HostContext } from "./host-context.ts";

export function forgetAttempt(host: HostContext, fence: bigint): void {
  host.journal.commit([{ kind: "forget", fence }]);
  host.outputs.drop(fence);
  void rm(attemptFolder(host.stateFolder, fence), { recursive: true, force: true });
}

/** Called at start and once a day. */
export function forgetOldOutcomes(host: HostContext): void {
  const before = host.now().atMs - host.settings.keepOutcomesMs;
  for (const attempt of host.journal.attempts())
    if (isFinal(attempt.state) && attempt.lastEventAtMs < before) forgetAttempt(host, attempt.fence);
}
