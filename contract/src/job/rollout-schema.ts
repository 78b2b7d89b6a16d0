// How work reaches many targets (rollout), who must agree first (approval) and what may run beside it (concurrency):
// parts of the job format. Used by job-schema.ts.
import "../zod-without-eval.ts";
import * as z from "zod";
import { priorities } from "./priorities.ts";
import { day, duration, minute, share } from "./schema-parts.ts";

export const rolloutSchema = z
  .strictObject({
    canary: share(1).optional().describe("Targets of the first batch, before all others: a number or a percentage."),
    batch: share(1)
      .default("100%")
      .describe(
        "Targets of each further batch: a number or a percentage of the stage's targets. All at once unless told.",
      ),
    pause: duration(0, 7 * day, "at most 7d")
      .default("0s")
      .describe("Pause after a batch before the next one begins."),
    maxFailures: share(0)
      .default(0)
      .describe(
        "Failure budget: how many targets may fail, a number or a percentage. Within it the rest goes on and the outcome is partial; beyond it nothing more is started.",
      ),
    order: z
      .enum(["target-first", "step-first"])
      .default("target-first")
      .describe(
        "Each target runs its steps on its own, or all targets of a batch finish a step before any begins the next.",
      ),
  })
  .describe("In which order and how many targets at once.");
export type RolloutSpec = z.infer<typeof rolloutSchema>;

export const approvalSchema = z
  .strictObject({
    by: z
      .array(z.string().regex(/^(role|user):[A-Za-z0-9._@-]{1,128}$/, "must be role:<name> or user:<name>"))
      .min(1)
      .max(50)
      .optional()
      .describe("Who may decide: role:<name> or user:<name>. Everybody with the permission to decide unless told."),
    required: z.int().min(1).max(20).default(1).describe("How many different people must approve."),
    notRequester: z.boolean().default(true).describe("Whoever asked for the execution cannot approve it."),
    expires: duration(minute, 30 * day, "between 1m and 30d")
      .default("1d")
      .describe("How long the execution waits for the decision, from 1m to 30d; it is cancelled then."),
  })
  .describe(
    "People who must agree before anything runs. They agree to exactly this version, these inputs and targets.",
  );
export type ApprovalSpec = z.infer<typeof approvalSchema>;

export const prioritySchema = z
  .enum(priorities)
  .describe("What waits is handed out in this order, and then in that of asking. high takes a permission.");

export const concurrencySchema = z
  .strictObject({
    key: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/, "has letters, digits, . _ : / and -, at most 128")
      .optional()
      .describe("Executions with the same key count together, also of other jobs. The job's name unless told."),
    limit: z.int().min(1).max(1000).default(1).describe("How many of them may run at once."),
    onConflict: z
      .enum(["queue", "skip", "cancel-running"])
      .default("queue")
      .describe("When the limit is reached: wait, do not run at all, or cancel the oldest that runs and then start."),
  })
  .describe("What may not run at the same time.");
export type ConcurrencySpec = z.infer<typeof concurrencySchema>;
