// When the executions of one benchmark passed each stage of their road. Called by dispatch.ts with --stages; the figures
// come from stage-recorder.ts, which the processes load.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Stage, stages } from "@opsconductor/contract/stage-marks";
import { type Figure, median } from "./figures.ts";

/** One execution as its caller saw it, on the machine's monotonic clock. */
export interface Seen {
  askedMs: number;
  answeredMs: number;
}

export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/** For the environment of a process that shall be recorded into `folder`. */
export function recorded(folder: string): Record<string, string> {
  const recorder = fileURLToPath(new URL("./stage-recorder.ts", import.meta.url));
  return { NODE_OPTIONS: `--import=${recorder}`, BENCH_STAGES_FOLDER: folder };
}

/** How long after the stage before it each one was passed, and how long after the start; medians. */
export function stageFigures(folder: string, executions: readonly Seen[]): Figure[] {
  const marks = readMarks(folder);
  const figures: Figure[] = [];
  const before = executions.map((e) => e.askedMs);
  const add = (name: string, passedMs: (number | undefined)[]) => {
    const took = passedMs.flatMap((at, i) => (at === undefined ? [] : [at - before[i]!]));
    const since = passedMs.flatMap((at, i) => (at === undefined ? [] : [at - executions[i]!.askedMs]));
    if (took.length === 0) return;
    const missing = took.length < executions.length ? `, seen in ${took.length}` : "";
    figures.push({ name, value: median(took), unit: "ms", note: `at ${median(since).toFixed(2)}${missing}` });
    for (const [i, at] of passedMs.entries()) before[i] = at ?? before[i]!;
  };
  for (const stage of stages)
    add(
      stage,
      executions.map(({ askedMs, answeredMs }) => marks.get(stage)?.findLast((at) => at > askedMs && at < answeredMs)),
    );
  add(
    "answered",
    executions.map((e) => e.answeredMs),
  );
  return figures;
}

function readMarks(folder: string): Map<Stage, number[]> {
  const files = readdirSync(folder).filter((name) => name.endsWith(".stages"));
  const lines = files.flatMap((name) => readFileSync(join(folder, name), "utf8").trimEnd().split("\n"));
  const marks = new Map<Stage, number[]>();
  for (const line of lines) {
    const [at, stage] = line.split(" ") as [string, Stage];
    const passed = marks.get(stage) ?? [];
    passed.push(Number(at));
    marks.set(stage, passed);
  }
  return marks;
}
