// Saves every job of a file in one transaction, or none; a dry run says what that would be. Jobs are found by name alone:
// ids and numbers are of one controller. Called by POST job-imports.
import { createHash } from "node:crypto";
import type { JobImport } from "@opsconductor/contract/api/job-transfer";
import { type FieldError, OcError } from "@opsconductor/contract/errors";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context, Query } from "../context.ts";
import { demandEverywhere, refuseOutOfScope } from "../identity/demand-permission.ts";
import { type Judged, judgeImport } from "./judge-import.ts";
import { type ImportInput, readImport } from "./read-import.ts";
import { refuseTakenName, saveFirst, saveVersion } from "./save-job.ts";

interface ImportParams {
  input: ImportInput;
  dryRun: boolean;
  /** Of the dry run that somebody looked at. */
  plan?: string | undefined;
  message: string;
}

export async function importJobs(ctx: Context, actor: Actor, params: ImportParams): Promise<JobImport> {
  const { dryRun, message } = params;
  const { files, ignored } = await readImport(params.input);
  const { judged, plan } = await ctx.sql.begin(async (tx) => {
    const judged = await judgeImport(tx, actor, files, { lock: !dryRun });
    const plan = planOf(judged);
    const wanted = params.plan ?? plan;
    if (!dryRun && wanted === plan && !judged.some(hasProblem)) await saveAll(ctx, tx, actor, judged, message);
    return { judged, plan };
  });
  if (!dryRun) await refuse(ctx, actor, judged, params.plan ?? plan, plan);
  const changed = judged.filter(isChange);
  const saved = !dryRun && changed.length > 0;
  if (saved) ctx.live.publish({ kind: "changed", topic: "jobs", ids: [] });
  const jobs = judged.map(({ file, name, outcome, version, errors, notes }) => {
    return { file, name, outcome, version, errors, notes };
  });
  return { saved, plan, jobs, ignored };
}

const hasProblem = ({ outcome }: Judged) => outcome === "problem";
const isChange = ({ outcome }: Judged) => outcome === "new" || outcome === "new_version";

/** Of what is to be saved and of what is there: another text, a save in between or a lost right make another. */
function planOf(judged: readonly Judged[]): string {
  const facts = judged.map(({ read, base, outcome }) => [
    ...[outcome, read?.job.name, read?.sha256.toString("hex"), base?.id, base?.latestVersion],
  ]);
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex");
}

/** New jobs by name: two imports of the same ones wait for each other in the same order. */
async function saveAll(ctx: Context, tx: Query, actor: Actor, judged: readonly Judged[], message: string) {
  const at = ctx.now();
  for (const { read, base } of judged.filter(isChange))
    if (base) await saveVersion(ctx, tx, actor, base, read!, { message, revision: base.revision });
  const names = (each: Judged) => each.name!.toLowerCase();
  const fresh = judged.filter(({ outcome }) => outcome === "new").toSorted((a, b) => (names(a) < names(b) ? -1 : 1));
  for (const { read } of fresh)
    await saveFirst(ctx, tx, actor, { id: ctx.newId(), read: read!, message, at }).catch((error) =>
      refuseTakenName(error, read!.job.name),
    );
  const count = (outcome: string) => judged.filter((each) => each.outcome === outcome).length;
  const detail = { new: count("new"), newVersions: count("new_version"), unchanged: count("unchanged") };
  if (detail.new + detail.newVersions > 0) await writeAudit(ctx, tx, actor, { action: "jobs.imported", detail });
}

/** Says why nothing was saved, when nothing was. */
async function refuse(ctx: Context, actor: Actor, judged: readonly Judged[], wanted: string, plan: string) {
  const hindrance = (kind: Judged["hindrance"]) => judged.find((each) => each.hindrance === kind);
  if (hindrance("create")) await demandEverywhere(ctx, actor, "jobs:write");
  const outOfReach = hindrance("write");
  if (outOfReach) throw await refuseOutOfScope(ctx, actor, "jobs:write", outOfReach.name!);
  if (hindrance("prioritize")) await demandEverywhere(ctx, actor, "executions:prioritize");
  const problems = judged.filter(hasProblem);
  if (problems.length > 0) throw refusalOf(problems);
  if (wanted !== plan)
    throw new OcError(
      "version_mismatch",
      "Nothing was imported: the file or the jobs here changed since the dry run. Look at what it would do now, then import.",
    );
}

const maxErrors = 100;

function refusalOf(problems: readonly Judged[]): OcError {
  const errors = problems.flatMap(({ file, errors }) => errors.map((error) => inFile(file, error)));
  const { path, message, line, column } = errors[0]!;
  const place = line === undefined ? "" : `line ${line}, column ${column}: `;
  const rest = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  const code = problems.every(({ hindrance }) => hindrance === "taken") ? "conflict" : "invalid_argument";
  const text = `Nothing was imported: ${path ? `${path}: ` : ""}${place}${message}${rest}`;
  return new OcError(code, text, { errors: errors.slice(0, maxErrors) });
}

/** The place says which file: lines and columns alone would be of any. */
function inFile(file: string | null, error: FieldError): FieldError {
  return file === null ? error : { ...error, path: error.path ? `${file}: ${error.path}` : file };
}
