// What planning does otherwise for text that is not saved: it goes on after a refusal, and reaches only what the caller
// may read. Called by plan-flow.ts for check-draft.ts.
import { OcError } from "@opsconductor/contract/errors";
import { suggest } from "@opsconductor/contract/job/suggest";
import type { Reach } from "../assets/resolve-targets.ts";
import type { Actor, Query } from "../context.ts";
import { mayAnywhere } from "../identity/grants.ts";
import { noSuchJob } from "./get-job.ts";
import { selectJobNames } from "./job-queries.ts";
import { KnownLater } from "./plan-matrix.ts";

export interface Draft {
  /** Why it would be refused, and at which stage. */
  problems: { stage: string; message: string }[];
  /** What is no mistake, and to be known. */
  notes: Set<string>;
}

/** The version of text that is not saved. */
export const unsaved = 0;

/** Enough to mend; also ends what would look in vain for ever. */
const maxProblems = 50;

export async function tolerated(draft: Draft | undefined, stage: string, plan: () => Promise<void>): Promise<void> {
  try {
    await plan();
  } catch (error) {
    if (!draft || !isRefusal(error) || draft.problems.length >= maxProblems) throw error;
    if (error instanceof KnownLater) draft.notes.add(error.message);
    else draft.problems.push({ stage, message: error.message });
  }
}

const refusals = ["failed_precondition", "unprocessable", "invalid_argument", "not_found"];

/** Why an execution would not be made, in words for the author. */
export const isRefusal = (error: unknown): error is OcError =>
  error instanceof OcError && refusals.includes(error.code);

/**
 * Never more than may be read: the author chooses the selector, so whatever it told of other targets would be told to
 * whoever asks. Who may run nothing sees what it matches of what they may read.
 */
export const draftReach = (actor: Actor): Reach => ({
  permission: mayAnywhere(actor, "jobs:execute") ? "jobs:execute" : undefined,
  readable: true,
});

/** That there is no such job, and which one was likely meant. */
export async function suggestJob(
  tx: Query,
  actor: Actor,
  name: string,
  [caller]: readonly { name: string }[],
): Promise<string> {
  if (caller?.name.toLowerCase() === name.toLowerCase()) return `${name} would call itself.`;
  const meant = suggest(name, await selectJobNames(tx, actor, 1000));
  return meant ? `there is no job ${name}; did you mean ${meant}?` : noSuchJob(name).message;
}
