// The job format as one strict zod schema: what parse-job.ts accepts, what editors get as JSON Schema, what the
// documentation is rendered from. It knows shapes only; check-job.ts knows what must agree with what.
import "../zod-without-eval.ts";
import * as z from "zod";
import { labels, lineText, name } from "../api/common.ts";
import { jobLimitsSchema, limitsSchema, runAsSchema } from "./limits-schema.ts";
import { approvalSchema, concurrencySchema, prioritySchema, rolloutSchema } from "./rollout-schema.ts";
import { day, duration } from "./schema-parts.ts";

export const apiVersion = "opsconductor/v1";
export const shells = ["sh", "bash", "pwsh", "powershell", "cmd", "python", "node", "exec"] as const;
export type Shell = (typeof shells)[number];
/** Raised when a definition could mean something else than before; agents say which they plan with at hello. */
export const formatVersion = 1;

/** Of one list of a stage's matrix, written in the job or given as an input. */
export const maxMatrixItems = 100;

const identifier = (what: string) =>
  z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9_]{0,62}$/, `${what} has letters, digits and _, starts with a letter, at most 63`)
    .refine((word) => !/^(in|true|false|null)$/.test(word), `${what} cannot be a word of the expression language`);

const environmentName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, "an environment name has letters, digits and _, and starts with no digit")
  .refine((key) => !/^(OC|INPUT)_/i.test(key), "names that start with OC_ or INPUT_ are set by OpsConductor itself");
const env = z
  .record(environmentName, z.string().max(64 * 1024))
  .refine((variables) => Object.keys(variables).length <= 200, "at most 200 variables");

const description = z.string().max(2000).describe("For people: what it is for. Shown in the form.");
const required = z.boolean().describe("Refuse an execution that does not give it. Not together with default.");
const inputFields = { description: description.optional(), required: required.optional() };
const text = z.string().max(64 * 1024);

const typeOf = <T extends string>(type: T, meaning: string) => z.literal(type).describe(meaning);
const fallback = "Used when the execution does not give a value.";

const stringInput = z.strictObject({
  type: typeOf("string", "Text."),
  ...inputFields,
  default: text.optional().describe(fallback),
  minLength: z.int().min(0).max(65536).optional().describe("Fewest characters."),
  maxLength: z.int().min(0).max(65536).optional().describe("Most characters; 4096 unless told."),
  pattern: z
    .string()
    .max(500)
    .optional()
    .describe("Regular expression that a part of the value must match; anchor it with ^ and $ for the whole value."),
});
const integerInput = z.strictObject({
  type: typeOf("integer", "A whole number."),
  ...inputFields,
  default: z.int().optional().describe(fallback),
  minimum: z.int().optional().describe("Smallest value."),
  maximum: z.int().optional().describe("Largest value."),
});
const numberInput = z.strictObject({
  type: typeOf("number", "A number, with or without a fraction."),
  ...inputFields,
  default: z.number().optional().describe(fallback),
  minimum: z.number().optional().describe("Smallest value."),
  maximum: z.number().optional().describe("Largest value."),
});
const booleanInput = z.strictObject({
  type: typeOf("boolean", "true or false."),
  ...inputFields,
  default: z.boolean().optional().describe(fallback),
});
const choiceInput = z.strictObject({
  type: typeOf("choice", "One of the options."),
  ...inputFields,
  options: z.array(text.min(1)).min(1).max(200).describe("The values to choose from."),
  default: text.optional().describe(fallback),
});
const listInput = z.strictObject({
  type: typeOf("list", "A list of texts; a script gets one a line."),
  ...inputFields,
  default: z.array(text).max(1000).optional().describe(fallback),
  minItems: z.int().min(0).max(1000).optional().describe("Fewest items."),
  maxItems: z.int().min(0).max(1000).optional().describe("Most items; 1000 unless told."),
});
export const inputTypes = ["string", "integer", "number", "boolean", "choice", "list"] as const;
export const inputSpec = z
  .discriminatedUnion("type", [stringInput, integerInput, numberInput, booleanInput, choiceInput, listInput])
  .describe("A typed input: it becomes the form, the API's check and the environment variable INPUT_<NAME>.");
export type InputSpec = z.infer<typeof inputSpec>;

const targets = z
  .strictObject({
    select: z
      .string()
      .min(1)
      .max(2000)
      .optional()
      .describe("Selector over labels, name=, os=, group=, service=, agent=, fact.*; see the docs."),
    names: z.array(name).min(1).max(10_000).optional().describe("Target names, instead of select."),
    max: z.int().min(1).max(100_000).optional().describe("Refuse the execution when more targets match."),
    offline: z
      .enum(["queue", "skip", "fail"])
      .default("queue")
      .describe("When a target's agent is not connected: wait for it, leave the target out, or fail it."),
    offlineExpiry: duration(1000, 30 * day, "between 1s and 30d")
      .default("24h")
      .describe("How long work waits for an agent that is not connected."),
  })
  .describe("Where it runs unless the execution says otherwise.");

const retry = z
  .strictObject({
    max: z.int().min(0).max(20).describe("How often the step is tried again."),
    delay: duration(0, day, "at most 1d").default("5s").describe("Pause before the first new try."),
    backoff: z
      .enum(["fixed", "exponential"])
      .default("fixed")
      .describe("The pause stays the same, or doubles with each try (at most 1h)."),
    on: z
      .array(z.enum(["failed", "timed_out"]))
      .min(1)
      .default(["failed", "timed_out"])
      .describe("Outcomes that are tried again."),
  })
  .describe("Try the step again when it did not succeed.");

export const stepSchema = z
  .strictObject({
    id: z
      .string()
      .regex(
        /^[A-Za-z][A-Za-z0-9_-]{0,62}$/,
        "a step id has letters, digits, _ and -, starts with a letter, at most 63",
      )
      .optional()
      .describe("Name for references (steps.<id>.outputs) and for the interface; step-1, step-2 … unless told."),
    name: lineText(200).min(1).optional().describe("Shown to people; the first line of run unless told."),
    run: z
      .union(
        [
          z
            .string()
            .min(1)
            .max(256 * 1024),
          z
            .array(z.string().max(64 * 1024))
            .min(1)
            .max(1000),
        ],
        {
          error: "must be a script (text) or a command as a list of arguments",
        },
      )
      .optional()
      .describe("A script for the shell, or a list: program and arguments, run without any shell."),
    uses: z
      .string()
      .min(1)
      .max(100)
      .optional()
      .describe("Instead of run: the name of an action, which takes its parameters from with."),
    with: z
      .record(z.string(), z.unknown())
      .optional()
      .describe("Parameters of the action. A value may be `${{ … }}`; what is code on the other side may not."),
    check: z
      .enum(["skip", "run"])
      .optional()
      .describe(
        "In check mode a script is skipped, because nobody knows what it would change; run: it changes nothing.",
      ),
    shell: z
      .enum(shells)
      .optional()
      .describe(
        "Interpreter of the script; sh on Linux and macOS unless told. sh and bash stop at the first command that fails (bash also inside a pipe).",
      ),
    if: z
      .union([z.string().min(1).max(2000), z.boolean()], { error: "must be an expression (text), true or false" })
      .optional()
      .describe("CEL expression; the step is skipped when it is false."),
    env: env.optional().describe("Environment of this step; wins over the job's."),
    timeout: duration(1000, 30 * day, "between 1s and 30d")
      .optional()
      .describe("Longest time of one try."),
    retry: retry.optional(),
    runAs: runAsSchema
      .optional()
      .describe("The user of the host that runs this step; the stage's or job's unless told."),
    limits: limitsSchema
      .optional()
      .describe("Bounds on what this step may use; those not told are the stage's or job's."),
    idempotent: z
      .boolean()
      .optional()
      .describe(
        "Running it twice does no harm: it may be tried again when its outcome was lost. Unless told: false for run, and for uses what its action says of itself.",
      ),
    continueOnError: z.boolean().default(false).describe("Go on with the next step although this one failed."),
    outputs: z
      .array(identifier("an output name"))
      .max(100)
      .optional()
      .describe(
        'Names that the script writes as name=value lines to the file "$OC_OUTPUT". Optional; when given, references to others are refused.',
      ),
  })
  .describe("One action on one target.");
export type StepSpec = z.infer<typeof stepSchema>;

const stageId = z
  .string()
  .regex(
    /^[A-Za-z][A-Za-z0-9_-]{0,62}$/,
    "a stage's name has letters, digits, _ and -, starts with a letter, at most 63",
  );
const deadline = duration(1000, 30 * day, "between 1s and 30d");
const stepList = z.array(stepSchema).max(500);
const handlerList = z.array(stepSchema).max(100);

export const stageSchema = z
  .strictObject({
    name: lineText(200).min(1).optional().describe("Shown to people; the stage's key unless told."),
    needs: z.array(stageId).max(100).default([]).describe("Stages that must be over before this one begins."),
    if: z
      .union([z.string().min(1).max(2000), z.boolean()], { error: "must be an expression (text), true or false" })
      .optional()
      .describe(
        "CEL expression over inputs, stages and failure(), success(), always(); the stage is skipped when it is false.",
      ),
    targets: targets.optional().describe("Where this stage runs; the job's targets unless told."),
    rollout: rolloutSchema.optional().describe("The job's rollout unless told."),
    matrix: z
      .record(
        identifier("a matrix name"),
        z.union([z.array(text.min(1)).min(1).max(maxMatrixItems), z.string().max(200)], {
          error: "must be a list of texts, or ${{ inputs.<name> }} of a list input",
        }),
      )
      .refine((axes) => Object.keys(axes).length >= 1 && Object.keys(axes).length <= 4, "between 1 and 4 lists")
      .optional()
      .describe(
        "Repeat the stage for each item of a list (each combination of several); ${{ matrix.<name> }} is the item.",
      ),
    timeout: duration(1000, 30 * day, "between 1s and 30d")
      .optional()
      .describe("Longest time of the stage's steps on one target; the job's unless told."),
    deadline: deadline
      .optional()
      .describe("Longest time of the whole stage, with all targets, batches and pauses, from its beginning."),
    env: env.optional().describe("Environment of the stage's steps; wins over the job's."),
    runAs: runAsSchema.optional().describe("The user that runs the stage's steps; the job's unless told."),
    limits: limitsSchema.optional().describe("Bounds of the stage's steps; those not told are the job's."),
    steps: stepList.optional().describe("Run in order on each target of the stage."),
    onFailure: handlerList.default([]).describe("Run on a target when one of its steps failed or timed out."),
    finally: handlerList.default([]).describe("Run last on every target of the stage."),
    job: name
      .optional()
      .describe("Instead of steps: another job, in the version that it has when the execution is made."),
    inputs: z
      .record(
        identifier("an input name"),
        z.union([text, z.number(), z.boolean(), z.array(text).max(1000)], {
          error: "must be text, a number, true or false, or a list of texts",
        }),
      )
      .optional()
      .describe("What the other job is given; texts may be ${{ }}."),
  })
  .describe("A part of a workflow with its own targets and steps.");
export type StageSpec = z.infer<typeof stageSchema>;

export const jobSchema = z
  .strictObject({
    apiVersion: z.literal(apiVersion).describe(`Always ${apiVersion}.`),
    kind: z.literal("Job").describe("Always Job."),
    name: name.describe("What people type to run it: letters, digits, dot, dash, underscore."),
    description: z.string().max(10_000).default("").describe("What the job does and when to use it."),
    labels: labels.default({}).describe("For finding and grouping jobs."),
    inputs: z
      .record(identifier("an input name"), inputSpec)
      .refine((inputs) => Object.keys(inputs).length <= 100, "at most 100 inputs")
      .default({})
      .describe("Typed values that an execution is given."),
    targets: targets.optional(),
    timeout: duration(1000, 30 * day, "between 1s and 30d")
      .default("1d")
      .describe("Longest time of all steps on one target, from its first step."),
    deadline: deadline
      .optional()
      .describe(
        "Longest time of the whole execution, from when it may begin: then nothing more of it begins, and what runs is stopped.",
      ),
    limits: jobLimitsSchema
      .default({ output: "10MiB" })
      .describe("Bounds on what each try of a step may use of its host."),
    runAs: runAsSchema
      .optional()
      .describe("The user of the host that runs the steps; unless told the agent's own, which is usually root."),
    env: env.default({}).describe("Environment of all steps."),
    rollout: rolloutSchema.optional(),
    approval: approvalSchema.optional(),
    concurrency: concurrencySchema.optional(),
    priority: prioritySchema.default("normal"),
    steps: stepList.default([]).describe("Run in order on each target. A job has steps or stages."),
    stages: z
      .record(stageId, stageSchema)
      .refine(
        (stages) => Object.keys(stages).length >= 1 && Object.keys(stages).length <= 100,
        "between 1 and 100 stages",
      )
      .optional()
      .describe("Instead of steps: a workflow of stages that depend on each other."),
    onFailure: z
      .array(stepSchema)
      .max(100)
      .default([])
      .describe("Run on a target when one of its steps failed or timed out."),
    finally: z
      .array(stepSchema)
      .max(100)
      .default([])
      .describe("Run last on every target: after success, failure and cancel."),
  })
  .describe("A versioned definition of work.");
/** A parsed job: defaults filled in, durations and sizes still as written (plan-stage.ts resolves them). */
export type Job = z.infer<typeof jobSchema>;

/** Keys of the format that this version does not run yet. They are refused as what they are, not as typing errors. */
export const laterKeys: Record<"job" | "stage" | "targets" | "step", Record<string, string>> = {
  job: {
    secrets: "secrets",
    notify: "notifications",
    signatures: "signatures",
  },
  stage: { notify: "notifications", secrets: "secrets" },
  targets: { group: "groups", groups: "groups" },
  step: {
    secrets: "secrets",
    facts: "facts in a script's environment",
  },
};
