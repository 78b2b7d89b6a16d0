// What importing each file would do, as things are now. Called by import-jobs.ts inside its transaction.
import type { ImportedJob } from "@opsconductor/contract/api/job-transfer";
import type { FieldError } from "@opsconductor/contract/errors";
import { jobStages } from "@opsconductor/contract/job/job-stages";
import type { Actor, Query } from "../context.ts";
import { mayEverywhere } from "../identity/grants.ts";
import { type NamesakeRow, selectKnownJobs, selectNamesakes } from "./job-transfer-queries.ts";
import type { ReadDefinition } from "./read-definition.ts";
import type { ImportFile } from "./read-import.ts";

/** What is missing for a file, beside mistakes of its text. */
export type Hindrance = "create" | "write" | "prioritize" | "taken";

export interface Judged extends ImportedJob {
  read: ReadDefinition | undefined;
  /** The job that gets a new version; undefined: it is new. */
  base: NamesakeRow | undefined;
  hindrance: Hindrance | undefined;
}

export async function judgeImport(
  tx: Query,
  actor: Actor,
  files: readonly ImportFile[],
  { lock }: { lock: boolean },
): Promise<Judged[]> {
  const names = files.flatMap(({ read }) => (read ? [read.job.name.toLowerCase()] : []));
  const rows = await selectNamesakes(tx, actor, names, { lock });
  const byName = new Map(rows.map((row) => [row.name.toLowerCase(), row]));
  const unknown = await unknownCalls(tx, actor, files);
  return files.map(({ file, read, errors }) => {
    const row = read && byName.get(read.job.name.toLowerCase());
    const base = row?.visible ? row : undefined;
    const hindrance = read && errors.length === 0 ? hindranceOf(actor, read, row) : undefined;
    const all = hindrance ? [{ path: "", message: wordsOf(hindrance, read!.job.name) } satisfies FieldError] : errors;
    const refused = all.length > 0;
    return {
      ...{ file, read, base, hindrance, errors: all, name: read?.job.name ?? null },
      ...(refused || !read ? { outcome: "problem" as const, version: null } : outcomeOf(read, base)),
      notes: refused ? [] : notesOf(read, unknown),
    };
  });
}

function outcomeOf(read: ReadDefinition, base: NamesakeRow | undefined): Pick<Judged, "outcome" | "version"> {
  if (!base) return { outcome: "new", version: 1 };
  if (isSame(read, base)) return { outcome: "unchanged", version: base.latestVersion };
  return { outcome: "new_version", version: base.latestVersion + 1 };
}

const isSame = (read: ReadDefinition, base: NamesakeRow) => read.sha256.equals(base.sha256);

/** As for a single save; a job that the actor may not read is as good as none until its name is used. */
function hindranceOf(actor: Actor, read: ReadDefinition, row: NamesakeRow | undefined): Hindrance | undefined {
  if (row?.visible) {
    if (isSame(read, row)) return undefined;
    if (!row.writable) return "write";
  } else if (!mayEverywhere(actor, "jobs:write")) return "create";
  else if (row) return "taken";
  const raises = read.job.priority === "high" && !(row?.visible && row.priority === "high");
  return raises && !mayEverywhere(actor, "executions:prioritize") ? "prioritize" : undefined;
}

const wordsOf = (hindrance: Hindrance, name: string): string =>
  ({
    create: `there is no job ${name} that you may read, and making jobs takes the permission jobs:write over everything`,
    write: `your permission jobs:write does not reach ${name}`,
    prioritize: "priority: high takes the permission executions:prioritize",
    taken: `another job is called ${name}, which you may not read; choose another name`,
  })[hindrance];

/** Calls of jobs that are neither in the file nor known here: they can be saved, and would be refused when executed. */
async function unknownCalls(tx: Query, actor: Actor, files: readonly ImportFile[]): Promise<ReadonlySet<string>> {
  const own = new Set(files.flatMap(({ read }) => (read ? [read.job.name.toLowerCase()] : [])));
  const called = new Set(files.flatMap(({ read }) => (read ? callsOf(read).map((name) => name.toLowerCase()) : [])));
  const others = [...called].filter((name) => !own.has(name));
  const known = new Set(await selectKnownJobs(tx, actor, others));
  return new Set(others.filter((name) => !known.has(name)));
}

const callsOf = ({ job }: ReadDefinition): string[] => jobStages(job).flatMap(({ call }) => (call ? [call.job] : []));

function notesOf(read: ReadDefinition | undefined, unknown: ReadonlySet<string>): string[] {
  const missing = read ? [...new Set(callsOf(read))].filter((name) => unknown.has(name.toLowerCase())) : [];
  return missing.map((name) => `it calls ${name}, which is neither in this file nor a job that you may read`);
}
