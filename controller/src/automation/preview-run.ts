// What a selector or a list of names means, as it is or as running a job would take it. Called by GET targets/resolve.
import type { resolveQuery, resolveResponse } from "@opsconductor/contract/api/targets";
import { OcError } from "@opsconductor/contract/errors";
import { planTargets } from "@opsconductor/contract/job/plan-stage";
import type { z } from "zod";
import { previewTargets } from "../assets/resolve-targets.ts";
import { isStorable } from "../assets/storable-text.ts";
import type { Actor, Context } from "../context.ts";
import { demandInputs } from "../identity/demand-inputs.ts";
import { fillLocked, lockedInputsOf } from "../identity/locked-inputs.ts";
import { reachToExecute } from "../identity/reach-to-execute.ts";
import { noSuchJob } from "./get-job.ts";
import { type RunnableVersion, selectRunnable } from "./job-queries.ts";
import { choiceOf } from "./plan-flow.ts";

export async function previewRun(
  ctx: Context,
  caller: Actor,
  { job, inputs, ...query }: z.infer<typeof resolveQuery>,
): Promise<z.infer<typeof resolveResponse>> {
  const given = readGiven(inputs);
  if (job === undefined) {
    if (given) throw new OcError("invalid_argument", "inputs are those of a job: give job, too.");
    return { ...(await previewTargets(ctx, caller, query)), limited: false };
  }
  const found = isStorable(job) ? await selectRunnable(ctx.sql, caller, job, undefined) : undefined;
  if (!found) throw noSuchJob(job);
  const actor = await demandInputs(ctx, caller, { ...found, ...completed(caller, found, given ?? {}) });
  const { limited, byJob } = reachToExecute(actor, found.jobId);
  const besides = byJob ? choiceOf(planTargets(found.spec)) : undefined;
  const preview = await previewTargets(ctx, actor, query, { permission: "jobs:execute", besides });
  return { ...preview, limited: limited && !byJob };
}

type Inputs = Record<string, unknown>;

function readGiven(text: string | undefined): Inputs | undefined {
  if (text === undefined) return undefined;
  const value = parse(text);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Inputs;
  const errors = [{ path: "inputs", message: "must be a JSON object" }];
  throw new OcError("invalid_argument", 'inputs: give a JSON object, like {"env": "staging"}.', { errors });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // no object: told above
  }
}

/** With what the execution would fill in; a form that is not complete yet leaves the rest open. */
function completed(actor: Actor, { jobId, spec }: RunnableVersion, given: Inputs): { values: Inputs; open: string[] } {
  const filled = fillLocked(given, lockedInputsOf(actor, jobId, spec.inputs));
  const known = Object.entries(spec.inputs).flatMap(([name, input]) => {
    const value = Object.hasOwn(filled, name) ? (filled[name] ?? input.default) : input.default;
    return value === undefined ? [] : [[name, value] as const];
  });
  const values: Inputs = Object.fromEntries(known);
  const open = Object.entries(spec.inputs).filter(([name, input]) => input.required && !Object.hasOwn(values, name));
  return { values, open: open.map(([name]) => name) };
}
