// Where one execution is on its road, told to whoever listens in this process: `npm run bench -- dispatch --stages`
// times the road with it (bench/src/stage-recorder.ts). Called by controller and agent; costs nothing while nobody does.
import { channel } from "node:diagnostics_channel";

export const stageChannel = "opsconductor.stage";

const marks = channel(stageChannel);

export function markStage(stage: Stage): void {
  if (marks.hasSubscribers) marks.publish(stage);
}

/** In the order of the road. */
export const stages = [
  "execute.received",
  "execution.planned",
  "execution.committed",
  "offer.sent",
  "offer.received",
  "try.prepared",
  "start.durable",
  "supervisor.spawned",
  "claim.seen",
  "exit.seen",
  "end.durable",
  "events.sent",
  "events.received",
  "batch.begun",
  "batch.committed",
  "execution.published",
] as const;

export type Stage = (typeof stages)[number];
