// A file that somebody chose to import, and what the controller says it would do. Pure. Used by import-dialog.svelte.
import type { JobImport } from "../api/types.ts";

/** By the name of the file: browsers know no type of YAML. */
export function contentTypeOf(fileName: string): string {
  if (/\.zip$/i.test(fileName)) return "application/zip";
  return /\.json$/i.test(fileName) ? "application/json" : "text/yaml";
}

/** How many jobs of each outcome. */
export function countOutcomes({ jobs }: Pick<JobImport, "jobs">) {
  const count = (outcome: JobImport["jobs"][number]["outcome"]) => jobs.filter((job) => job.outcome === outcome).length;
  return { made: count("new"), saved: count("new_version"), unchanged: count("unchanged"), problems: count("problem") };
}

/** What needs a look first, and the rest as in the file. */
export function byAttention(jobs: JobImport["jobs"]): JobImport["jobs"] {
  const rank = { problem: 0, new_version: 1, new: 1, unchanged: 2 };
  return jobs.toSorted((a, b) => rank[a.outcome] - rank[b.outcome]);
}
