// Jobs and their versions: `jobs`, `jobs/{id or name}`, `versions`, `validate`, `execute`.
import * as z from "zod";
import { prioritySchema } from "../job/rollout-schema.ts";
import { executionStates } from "../states.ts";
import { id, instant, lineText, listQuery, problem, smallRecord } from "./common.ts";
import { approvalProblem } from "./executions.ts";

const executionState = z.enum(Object.keys(executionStates) as [keyof typeof executionStates]);

/** POST jobs as application/json: the YAML text in an envelope, or the definition itself (an object with `kind`). */
export const jobEnvelope = z.strictObject({
  definition: z.string().min(1).describe("YAML of at most 1 MiB"),
  message: lineText(500).default("").describe("why this version"),
});

export const job = z.object({
  id,
  number: z.number().int(),
  name: z.string(),
  description: z.string(),
  labels: z.record(z.string(), z.string()),
  version: z.number().int().describe("newest version"),
  createdAt: instant,
  updatedAt: instant,
  updatedByName: z.string().nullable(),
  revision: z.number().int(),
  canRun: z.boolean().describe("the caller may, on some target"),
  canWrite: z.boolean().describe("the caller may"),
  lastExecutions: z
    .array(
      z.object({
        id,
        number: z.number().int(),
        state: executionState,
        createdAt: instant,
        finishedAt: instant.nullable(),
      }),
    )
    .describe("newest first, at most 20"),
});
export type Job = z.infer<typeof job>;

export const jobVersion = z.object({
  version: z.number().int(),
  sha256: z.string(),
  message: z.string(),
  createdAt: instant,
  createdByName: z.string().nullable(),
});
/** One version with its text and its parsed form. `spec` is the job of `contract/src/job`. */
export const jobDetail = job.extend({
  definition: z.string(),
  mediaType: z.string(),
  spec: z.record(z.string(), z.unknown()),
  lockedInputs: z
    .record(z.string(), z.array(z.unknown()))
    .describe("inputs that the caller's rights bind, with the values that they may run the job with"),
  boundInputs: z
    .array(z.string())
    .describe("inputs that some of the caller's rights bind: with others, the job may be run elsewhere or not at all"),
});
export const jobListQuery = listQuery.extend({
  q: listQuery.shape.q.describe("substring of the name or description"),
});

export const validateResponse = z.object({
  valid: z.boolean(),
  errors: problem.shape.errors.unwrap(),
  name: z.string().optional(),
});

export const executeRequest = z.strictObject({
  inputs: smallRecord.default({}),
  targets: z
    .union(
      [
        z.strictObject({ select: z.string().min(1).max(2000) }),
        z.strictObject({ names: z.array(z.string().min(1).max(128)).min(1).max(10000) }),
      ],
      'either {"select": "<selector>"} or {"names": ["<target>", ...]}',
    )
    .optional()
    .describe("instead of the job's own"),
  version: z
    .number()
    .int()
    .min(1)
    .max(2 ** 31 - 1)
    .optional(),
  reason: lineText(500).default(""),
  priority: prioritySchema
    .optional()
    .describe("the job's own when absent; high takes the permission executions:prioritize"),
  check: z
    .boolean()
    .default(false)
    .describe(
      "check mode: actions tell what they would change and change nothing, scripts are skipped unless they say check: run",
    ),
});
export const executeQuery = z.object({
  wait: z
    .string()
    .regex(/^\d+s$/, "seconds, e.g. 30s; at most 300s")
    .optional(),
});

/** What an execution would do. Nothing is made. */
export const executionPlan = z.object({
  jobName: z.string(),
  jobVersion: z.number().int(),
  wouldRun: z.boolean(),
  problem: z.string().nullable().describe("why it would be refused"),
  approval: z
    .object({
      required: z.number().int().describe("how many different people must approve"),
      by: z.array(z.string()).nullable().describe("who may decide; null: whoever has approvals:decide"),
      notRequester: z.boolean(),
      problem: approvalProblem,
    })
    .nullable()
    .describe("who has to agree before anything runs; null: nobody"),
  targetCount: z.number().int().describe("different targets of all stages; one in two stages counts once"),
  limited: z.boolean().describe("the caller may run it so on a part of the fleet only, and the rest is left out"),
  stages: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      parent: z.string().nullable(),
      isGroup: z.boolean(),
      needs: z.array(z.string()),
      condition: z.string().nullable().describe("CEL; null: when what it needs went well"),
      job: z.object({ name: z.string(), version: z.number().int() }).nullable().describe("whose steps it runs"),
      inputs: z.record(z.string(), z.unknown()).nullable().describe("of another job, when they are known already"),
      matrix: z.record(z.string(), z.string()).nullable(),
      steps: z.array(z.object({ id: z.string(), name: z.string(), phase: z.enum(["steps", "onFailure", "finally"]) })),
      targets: z
        .object({
          count: z.number().int(),
          offline: z.number().int().describe("whose agent is not connected now"),
          leftOut: z.number().int().describe("that would not run, because the job says so of targets that are away"),
          max: z.number().int().nullable(),
          items: z
            .array(z.object({ id, name: z.string(), isOnline: z.boolean() }))
            .describe("in the order in which they would begin, at most 200"),
        })
        .nullable(),
      rollout: z
        .object({
          batches: z.array(z.number().int()).describe("how many targets each has"),
          maxFailures: z.number().int(),
          pauseMs: z.number().int(),
          order: z.enum(["target-first", "step-first"]),
        })
        .nullable(),
    }),
  ),
});
export type ExecutionPlan = z.infer<typeof executionPlan>;

/** What text that is not saved would do. */
export const draftCheck = validateResponse.extend({
  wouldRun: z.boolean().describe("an execution of it would be made now, for the caller"),
  problems: z
    .array(
      z.object({
        stage: z.string().nullable().describe("null: of the job as a whole"),
        message: z.string(),
        line: z.number().int().optional(),
        column: z.number().int().optional(),
      }),
    )
    .describe("why it would be refused now, although the text can be saved"),
  notes: z
    .array(z.string())
    .describe("what is no mistake, and to be known: inputs and targets that are still to be given"),
  targetCount: executionPlan.shape.targetCount,
  limited: z.boolean().describe("the caller may read or run on a part of the fleet only, and the rest is left out"),
  stages: executionPlan.shape.stages.describe("job is null where the text's own steps run"),
});
export type DraftCheck = z.infer<typeof draftCheck>;
