// What the check of text that is not saved comes to in one sentence. Used by draft-check.svelte. Pure.
import type { DraftCheck } from "../api/types.ts";
import { jobEdit } from "../messages/areas/job-edit.ts";

export interface Verdict {
  tone: "ok" | "warn" | "bad";
  text: string;
}

export function draftVerdict({ valid, errors, wouldRun, problems, targetCount, stages }: DraftCheck): Verdict {
  const words = jobEdit.check;
  if (!valid) return { tone: "bad", text: words.problemsFirst(errors.length) };
  if (problems.length > 0) return { tone: "warn", text: words.refused };
  if (!wouldRun) return { tone: "warn", text: words.notYours };
  if (targetCount === 0) return { tone: "ok", text: words.wouldRunChosen };
  return { tone: "ok", text: words.wouldRun(targetCount, stages.filter(({ targets }) => targets !== null).length) };
}
