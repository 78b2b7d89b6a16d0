// Looking at many targets at once: groups of targets whose step ended with the same output, and two executions beside
// each other.
import * as z from "zod";
import { stepStates } from "../states.ts";
import { id, listQuery } from "./common.ts";
import { assignmentState, execution, executionName } from "./executions.ts";

const stepState = z.enum(Object.keys(stepStates) as [keyof typeof stepStates]);

/** Which step's output; a step id may be in several stages. */
const stepPlace = {
  step: z.string().min(1).max(128).describe("step id"),
  stage: z.string().min(1).max(128).optional().describe("stage id; the first one with such a step when absent"),
};
export const outputGroupQuery = listQuery
  .pick({ cursor: true })
  .extend({ ...stepPlace, limit: z.coerce.number().int().min(1).max(200).default(50) });
/** The newest try of each target counts. Output that is not complete yet has no checksum. */
export const outputGroup = z.object({
  group: z.string().describe("its name for `output-groups/{group}`"),
  state: stepState,
  exitCode: z.number().int().nullable(),
  signal: z.string().nullable(),
  outputSha256: z.string().nullable().describe("of the whole output, as its agents told; null: not known"),
  outputBytes: z.number().int().nullable(),
  count: z.number().int().describe("targets"),
  sample: z.object({ assignmentId: id, targetName: z.string() }).describe("one of them"),
});
export type OutputGroup = z.infer<typeof outputGroup>;
export const outputGroupPage = z.object({
  stage: z.string(),
  step: z.string(),
  items: z.array(outputGroup).describe("the largest first"),
  groups: z.number().int().describe("in all"),
  targets: z.number().int().describe("in all"),
  nextCursor: z.string().optional(),
});
export type OutputGroupPage = z.infer<typeof outputGroupPage>;

export const outputGroupTargetQuery = listQuery.pick({ cursor: true }).extend({
  ...stepPlace,
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});
export const outputGroupTarget = z.object({ assignmentId: id, targetName: z.string() });
export type OutputGroupTarget = z.infer<typeof outputGroupTarget>;

/** How a target of one execution stands to the same target of the other; the first that fits. */
export const targetChanges = ["state", "before_only", "after_only", "output", "same"] as const;
export type TargetChange = (typeof targetChanges)[number];

const withOther = {
  with: z.string().min(1).max(64).describe("the execution before: id, number, or `previous` of the same job"),
};
export const compareQuery = z.object(withOther);
const stepSide = z.object({
  targets: z.number().int().describe("on which it began"),
  succeeded: z.number().int(),
  medianMs: z.number().nullable(),
  maxMs: z.number().nullable(),
  doneIn: executionName.nullable().describe("it did not run here: a retry took its stage over from that execution"),
});
export const comparedStep = z.object({
  stage: z.string(),
  step: z.string(),
  name: z.string(),
  before: stepSide.nullable().describe("null: that execution has no such step"),
  after: stepSide.nullable(),
  sameOutput: z.number().int().describe("targets of both whose output is the same"),
  otherOutput: z.number().int().describe("targets of both whose output differs"),
});
export type ComparedStep = z.infer<typeof comparedStep>;
export const comparison = z.object({
  before: execution,
  after: execution,
  sameDefinition: z.boolean().describe("both ran the same text"),
  steps: z.array(comparedStep),
  targets: z.record(z.enum(targetChanges), z.number().int()).describe("targets by change"),
});
export type Comparison = z.infer<typeof comparison>;

export const compareTargetsQuery = listQuery.extend({
  ...withOther,
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  change: z.enum(targetChanges).optional(),
});
const targetSide = z.object({
  assignmentId: id,
  state: assignmentState,
  durationMs: z.number().nullable(),
});
export const comparedTarget = z.object({
  stage: z.string(),
  targetId: id,
  targetName: z.string(),
  change: z.enum(targetChanges),
  steps: z.array(z.string()).describe("steps whose state, exit code, output, values or `changed` differ"),
  before: targetSide.nullable(),
  after: targetSide.nullable(),
});
export type ComparedTarget = z.infer<typeof comparedTarget>;
