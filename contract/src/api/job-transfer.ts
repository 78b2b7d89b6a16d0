// Shapes of taking jobs along as files: POST job-exports, POST job-imports.
import * as z from "zod";
import { maxTransferJobs } from "../job/transfer-limits.ts";
import { lineText, problem, storableText } from "./common.ts";

export const jobExportRequest = z
  .strictObject({
    q: storableText(200).optional().describe("substring of the name or description; every job when absent"),
    jobs: z
      .array(z.string().min(1).max(128))
      .min(1)
      .max(maxTransferJobs)
      .optional()
      .describe("exactly these, by id or name"),
  })
  .refine(({ q, jobs }) => q === undefined || jobs === undefined, "either q or jobs, not both");
export type JobExportRequest = z.infer<typeof jobExportRequest>;

export const jobImportQuery = z.object({
  dryRun: z
    .enum(["true", "false"])
    .default("false")
    .describe("true: say what would happen, with every mistake, and save nothing"),
  plan: z
    .string()
    .regex(/^[0-9a-f]{64}$/, "the plan of a dry run")
    .optional()
    .describe("from a dry run; 412 when the file or what is saved is no longer what it was then"),
  message: lineText(500).default("").describe("why these versions"),
});

export const importOutcomes = ["new", "new_version", "unchanged", "problem"] as const;

export const importedJob = z.object({
  file: z.string().nullable().describe("its path in the archive; null when the body was the job itself"),
  name: z.string().nullable().describe("null: the text does not say"),
  outcome: z.enum(importOutcomes).describe("unchanged: its newest version is these bytes already"),
  version: z.number().int().nullable().describe("that it is saved as, or is already; null with a problem"),
  errors: problem.shape.errors.unwrap().describe("what has to be mended, in this file"),
  notes: z.array(z.string()).describe("what is no mistake, and to be known"),
});
export type ImportedJob = z.infer<typeof importedJob>;

export const jobImport = z.object({
  saved: z.boolean().describe("false: it was a dry run, or everything was there already"),
  plan: z.string().describe("for the import of exactly this"),
  jobs: z.array(importedJob).describe("in the order of the archive"),
  ignored: z.array(z.string()).describe("files that are no jobs by their names; the first 100"),
});
export type JobImport = z.infer<typeof jobImport>;
