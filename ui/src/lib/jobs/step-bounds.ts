// As whom a step runs and what it may use, as words: of an execution's step, and of one that a job's definition writes.
// Pure; shown wherever a step is shown.
import { formatDuration, parseDuration } from "@opsconductor/contract/job/duration";
import type { StepBounds } from "@opsconductor/contract/job/plan-stage";
import { formatSize, parseSize } from "@opsconductor/contract/job/size";
import { bounds as words } from "../messages/areas/bounds.ts";

/** What a job, a stage and a step may write about it. */
export interface WrittenBounds {
  runAs?: string;
  timeout?: string;
  limits?: { memory?: string; cpu?: string; processes?: number; output?: string };
}

/** Nobody chose it: told once in the documentation, not beside every step. */
const usualOutputBytes = 10 * 1024 ** 2;

/** Empty when it runs as the agent's user, with the usual bounds. */
export function boundWords({
  runAs,
  timeoutMs,
  memoryBytes,
  cpuPercent,
  processes,
  outputBytes,
}: StepBounds): string[] {
  return [
    runAs === undefined ? "" : words.runAs(runAs),
    timeoutMs === undefined ? "" : words.timeout(formatDuration(timeoutMs)),
    memoryBytes === undefined ? "" : words.memory(formatSize(memoryBytes)),
    cpuPercent === undefined ? "" : words.cpu(cpuPercent),
    processes === undefined ? "" : words.processes(processes),
    outputBytes === undefined || outputBytes === usualOutputBytes ? "" : words.output(formatSize(outputBytes)),
  ].filter(Boolean);
}

/** The nearest word counts, for each bound by itself; `owners` are the job and the stage around the step. */
export function writtenBounds(step: WrittenBounds, ...owners: (WrittenBounds | undefined)[]): StepBounds {
  const { memory, cpu, processes, output } = Object.assign({}, ...owners.map((owner) => owner?.limits), step.limits);
  const runAs = step.runAs ?? owners.findLast((owner) => owner?.runAs !== undefined)?.runAs;
  return {
    runAs,
    timeoutMs: parseDuration(step.timeout ?? ""),
    memoryBytes: parseSize(memory ?? ""),
    cpuPercent: cpu === undefined ? undefined : Number.parseInt(cpu, 10),
    processes,
    outputBytes: parseSize(output ?? ""),
  };
}
