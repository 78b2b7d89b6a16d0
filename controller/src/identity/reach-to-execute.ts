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
  const onJob = (rights: Pick<Actor, "grants">, permission: "jobs:execute" | "jobs:write") =>
    grantsWith(rights, permission).some(({ scope }) => scope.kind === "job" && scope.jobId === jobId);
  // A token that may only run it says nothing about what its owner wrote into it.
  const whole = actor.token?.owner ?? actor;
  const mayWrite = mayEverywhere(whole, "jobs:write") || onJob(whole, "jobs:write");
  const limited = !grantsWith(actor, "jobs:execute").some(({ scope }) => scope.kind === "everything");
  return { limited, byJob: onJob(actor, "jobs:execute") && !mayWrite };
}
