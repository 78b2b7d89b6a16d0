// Lets go of outcomes that the controller has stored for good, or that nobody asked about for a month.
import { join } from "node:path";
import { isFinal } from "../journal/journal-index.ts";
import { removeFolder } from "../output/remove-folder.ts";
import { attemptFolder } from "./attempt.ts";
import type { HostContext } from "./host-context.ts";
import { removeRoom } from "./user-room.ts";

/** Many in one commit: nothing depends on the moment, and a forgotten forgetting is only asked for again. */
export const forgetEveryMs = 500;

/** Final attempts only. */
export function forgetSoon(host: HostContext, fence: bigint): void {
  host.forgetting.add(fence);
  host.outputs.drop(fence);
}

/** Called twice a second, and at the end. */
export function forgetNow(host: HostContext): void {
  const fences = [...host.forgetting].filter((fence) => host.journal.attempt(fence) !== undefined);
  host.forgetting.clear();
  if (fences.length === 0 || host.journal.poisoned() !== "") return;
  try {
    host.journal.commit(fences.map((fence) => ({ kind: "forget", fence })));
  } catch (error) {
    host.log.error({ event: "forget.failed", err: error });
    return;
  }
  for (const fence of fences) {
    removeFolder(attemptFolder(host.stateFolder, fence));
    removeRoom(join(host.userFolder, String(fence)));
  }
}

/** Called at start and once a day. */
export function forgetOldOutcomes(host: HostContext): void {
  const before = host.now().atMs - host.settings.keepOutcomesMs;
  for (const attempt of host.journal.attempts())
    if (isFinal(attempt.state) && attempt.lastEventAtMs < before) forgetSoon(host, attempt.fence);
}
