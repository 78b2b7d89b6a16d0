// How far somebody may run a job. Called when an execution is created.
import type { Actor } from "../context.ts";
import { grantsWith, mayEverywhere } from "./grants.ts";

export interface ReachToExecute {
  /** Only a part of what a selector means may be reached: the answer says so. */
  limited: boolean;
  /** A grant on the job itself: it may run on what it chooses itself, whatever targets the caller has besides. */
  byJob: boolean;
}

/** Whoever may also change what the job chooses would so reach every target: for them a grant on the job is no reach. */
export function reachToExecute(actor: Actor, jobId: string): ReachToExecute {
  if (mayEverywhere(actor, "jobs:execute")) return { limited: false, byJob: false };
  const onJob = (permission: "jobs:execute" | "jobs:write") =>
    grantsWith(actor, permission).some(({ scope }) => scope.kind === "job" && scope.jobId === jobId);
  const mayWrite = mayEverywhere(actor, "jobs:write") || onJob("jobs:write");
  return { limited: true, byJob: onJob("jobs:execute") && !mayWrite };
}
