// What does not agree in a definition that also has parts of a wrong shape: those parts are taken out, and the rest is
// checked, without telling what is only a consequence of their absence. Used by parse-job.ts. Pure.
import { checkJob } from "./check-job.ts";
import type { JobError } from "./check-parts.ts";
import { apiVersion, jobSchema } from "./job-schema.ts";
import { type Issue, isRecord, valueAt } from "./schema-errors.ts";
import type { Path } from "./yaml-values.ts";

/** A part may be wrong only after what stood in it was taken out: each round goes one mapping up. */
const maxRounds = 8;
/** With more than these there is enough to mend, and not much of a rest. */
const maxRemoved = 50;

export function checkRest(issues: readonly Issue[], value: unknown): JobError[] {
  if (!isRecord(value)) return [];
  const rest = structuredClone(value);
  const removed: Path[] = [];
  let left = issues;
  for (let round = 0; round < maxRounds; round++) {
    const paths = left.flatMap((issue) => wrongParts(issue, rest));
    removed.push(...paths);
    if (removed.length > maxRemoved) return [];
    for (const path of paths) remove(rest, path);
    const parsed = jobSchema.safeParse(rest);
    if (parsed.success) return withoutConsequences(checkJob(parsed.data), removed, value);
    left = parsed.error.issues;
  }
  return []; // no rest that could be checked
}

/** The smallest part without which the rest may have the right shape. */
function wrongParts(issue: Issue, root: unknown): Path[] {
  const path = issue.path as Path;
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => [...path, key]);
  return [wholePart(path, root)];
}

function wholePart(path: Path, root: unknown): Path {
  // Steps keep their places; of other lists an item less would move those after it.
  if (typeof path.at(-1) === "number" && !isStep(path)) return wholePart(path.slice(0, -1), root);
  if (path.length > 1 && valueAt(root, path) === undefined) return wholePart(path.slice(0, -1), root);
  return path;
}

const isStep = (path: Path) =>
  typeof path.at(-1) === "number" && ["steps", "onFailure", "finally"].includes(String(path.at(-2)));

/** What a job cannot do without. */
const needed: Record<string, unknown> = { apiVersion, kind: "Job", name: "unnamed" };

function remove(root: Record<string, unknown>, path: Path): void {
  const within = valueAt(root, path.slice(0, -1)) as Record<string | number, unknown> | undefined;
  const key = path.at(-1)!;
  if (within === undefined) return;
  if (isStep(path)) within[key] = { run: "true" };
  else if (path.length === 1 && Object.hasOwn(needed, key)) within[key] = needed[key];
  else delete within[key];
}

function withoutConsequences(errors: readonly JobError[], removed: readonly Path[], value: unknown): JobError[] {
  const lost = new Set(removed.flatMap((path) => namesIn(path, valueAt(value, path))));
  return errors.filter(
    (error) => !removed.some((path) => follows(error, path)) && !wordsOf(valueAt(value, error.path)).some(isIn(lost)),
  );
}

const isIn = (names: ReadonlySet<string>) => (word: string) => names.has(word);

/** Of a part that was taken out, or that something is missing or too much where it stood. */
function follows({ path, atKey, missing }: JobError, removed: Path): boolean {
  if (startsWith(path, removed)) return true;
  const deepest = missing ? removed.length + 1 : atKey ? removed.length : 0;
  return path.length <= deepest && startsWith(removed.slice(0, -1), path.slice(0, removed.length - 1));
}

const startsWith = (path: Path, start: Path) => start.every((key, i) => path[i] === key);

/** What other parts may have named: inputs, stages, ids and outputs of steps, items of a matrix. */
function namesIn(path: Path, value: unknown): string[] {
  const own = ["inputs", "stages", "matrix"].includes(String(path.at(-2))) ? [String(path.at(-1))] : [];
  if (isRecord(value)) return [...own, ...Object.keys(value), ...(typeof value.id === "string" ? [value.id] : [])];
  const items = Array.isArray(value) ? value.flatMap((item) => (isRecord(item) ? [item.id] : [item])) : [value];
  return [...own, ...items.filter((item) => typeof item === "string" && /^[\w-]{1,63}$/.test(item)).map(String)];
}

function wordsOf(value: unknown): string[] {
  return typeof value === "string" ? (value.match(/[\w-]+/g) ?? []) : [];
}
