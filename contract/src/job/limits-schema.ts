// What a step may use of its host, and as whom it runs: the schemas of `limits` and `runAs` at the job, a stage and a
// step, and what they come to for one step. Used by job-schema.ts and plan-stage.ts. Pure.
import "../zod-without-eval.ts";
import * as z from "zod";
import { quantity, withoutUnit } from "./schema-parts.ts";
import { parseSize, sizeHint, sizePattern } from "./size.ts";

const size = (least: number, most: number, range: string) =>
  quantity({ hint: sizeHint, units: ["MiB", "GiB"], pattern: sizePattern, parse: parseSize }, least, most, range);

const cpuHint = "must be a percentage of one processor like 50% or 200%";

const outputLimit = size(1024, 1024 ** 3, "between 1KiB and 1GiB");
const outputMeaning =
  "Most output kept of one try; beyond it the beginning and the end stay, with one marked gap. 10MiB unless told.";

const hostLimits = {
  memory: size(4 * 1024 ** 2, 1024 ** 5, "between 4MiB and 1024TiB")
    .optional()
    .describe("Most memory that one try may use with everything it starts; beyond it the try is ended: out of memory."),
  cpu: z
    .string({ error: ({ input }) => `${cpuHint}${withoutUnit(input, ["%"])}` })
    .regex(/^\d{1,6}%$/, cpuHint)
    .refine((text) => Number(text.slice(0, -1)) >= 1, "must be at least 1%")
    .optional()
    .describe("Most processor time; 100% is one whole processor. More is not given: the try takes longer."),
  processes: z
    .int()
    .min(2)
    .max(4_000_000)
    .optional()
    .describe("Most processes and threads at a time; one more cannot be started."),
};

export const limitsSchema = z
  .strictObject({ ...hostLimits, output: outputLimit.optional().describe(outputMeaning) })
  .describe("Bounds on what a try may use of its host.");
export type LimitsSpec = z.infer<typeof limitsSchema>;

export const jobLimitsSchema = z
  .strictObject({ ...hostLimits, output: outputLimit.default("10MiB").describe(outputMeaning) })
  .describe("Bounds on what each try of a step may use of its host.");

export const runAsSchema = z
  .string({ error: "must be the name of a user" })
  .regex(
    /^[A-Za-z_][A-Za-z0-9_.@\\-]{0,62}\$?$/,
    "must be the name of a user of the host: it starts with a letter or _, and has no blanks, colons or slashes",
  );

export interface StepLimits {
  memoryBytes: number | undefined;
  /** 100: one processor. */
  cpuPercent: number | undefined;
  processes: number | undefined;
  /** Of one try. */
  outputBytes: number;
}

/** The nearest word counts, for each limit by itself: the step's, its stage's, the job's. */
export function planLimits(job: LimitsSpec, ...nearer: (LimitsSpec | undefined)[]): StepLimits {
  const { memory, cpu, processes, output } = Object.assign({}, job, ...nearer) as LimitsSpec;
  return {
    memoryBytes: memory === undefined ? undefined : parseSize(memory),
    cpuPercent: cpu === undefined ? undefined : Number(cpu.slice(0, -1)),
    processes,
    outputBytes: parseSize(output!)!,
  };
}
