// Refuses to run a job with inputs that no right of the caller allows, says which they do, and audits the refusal. Called
// when an execution is created, planned or previewed.
import { OcError } from "@opsconductor/contract/errors";
import type { Actor, Context } from "../context.ts";
import { auditRefusal } from "./audit-refusal.ts";
import { describeLocks, fitLocks, grantsToRun, mayRun } from "./locked-inputs.ts";

interface Wanted {
  jobId: string;
  jobName: string;
  values: Readonly<Record<string, unknown>>;
  /** Of a preview: what is still to be chosen. */
  open?: readonly string[];
}

/** The caller with those rights that allow running the job so. */
export async function demandInputs(
  ctx: Context,
  actor: Actor,
  { jobId, jobName, values, open }: Wanted,
): Promise<Actor> {
  const fitting = fitLocks(actor, values, open);
  if (mayRun(fitting, jobId)) return fitting;
  const locks = grantsToRun(actor, jobId).map(({ lockedInputs }) => lockedInputs);
  const names = [...new Set(locks.flatMap((lock) => Object.keys(lock)))];
  const detail = { permission: "jobs:execute", job: jobName, lockedInputs: names };
  await auditRefusal(ctx, actor, { action: "permission.refused", detail });
  const allowed = [...new Set(locks.map(describeLocks))];
  const only = `${allowed.slice(0, 5).join("; or ")}${allowed.length > 5 ? `; or ${allowed.length - 5} others` : ""}`;
  throw new OcError("permission_denied", `You may run ${jobName} only with ${only}.`, {
    errors: names.map((name) => ({ path: `inputs.${name}`, message: `your rights allow only ${only}` })),
    audited: true,
  });
}
