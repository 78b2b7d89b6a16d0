// Executions and what hangs on them: stages, assignments, steps, output, cancel.
import * as z from "zod";
import { prioritySchema } from "../job/rollout-schema.ts";
import { assignmentStates, executionStates, stageStates, stepStates, tryStates } from "../states.ts";
import { id, instant, lineText, listQuery } from "./common.ts";

const keys = <T extends object>(o: T) => z.enum(Object.keys(o) as [keyof T & string]);
export const executionState = keys(executionStates);
export const assignmentState = keys(assignmentStates);
export const stepState = keys(stepStates);

const stepBounds = z
  .object({
    runAs: z.string().optional().describe("user of the host; the agent's own unless told"),
    timeoutMs: z.number().optional().describe("of one try"),
    memoryBytes: z.number().int().optional(),
    cpuPercent: z.number().int().optional().describe("100: one processor"),
    processes: z.number().int().optional(),
    outputBytes: z.number().int().optional().describe("kept of one try"),
  })
  .describe("as whom it runs and what each try may use, as the job says: the owner of a host may give less");

export const executionName = z.object({ id, number: z.number().int() });

export const stage = z.object({
  id: z.string(),
  position: z.number().int(),
  state: keys(stageStates),
  name: z.string(),
  needs: z.array(z.string()),
  parent: z.string().nullable().describe("the stage that this is a part of: a called workflow, or a matrix"),
  isGroup: z.boolean().describe("has parts and no targets of its own"),
  stateReason: z.string().nullable().describe("why it was skipped, or stopped"),
  doneIn: executionName.nullable().describe("the execution that did it: a retry has taken it over and does not run it"),
  deadlineAt: instant.nullable().describe("when the whole stage must be over; what runs then is stopped"),
  counts: z.record(z.string(), z.number().int()).describe("assignments by state"),
  jobName: z.string().nullable().describe("the other job that its steps come from"),
  inputs: z.record(z.string(), z.unknown()).nullable().describe("what the other job was given"),
  rollout: z
    .object({
      batches: z.number().int(),
      batch: z.number().int().describe("batches begun"),
      nextBatchAt: instant.nullable().describe("the pause before the next batch is over then"),
      maxFailures: z.number().int().describe("targets that may fail"),
      stopped: z.boolean().describe("more have failed, and nothing more is started"),
      order: z.enum(["target-first", "step-first"]),
    })
    .nullable(),
  steps: z.array(z.object({ id: z.string(), name: z.string(), kind: z.string(), bounds: stepBounds })),
  startedAt: instant.nullable(),
  finishedAt: instant.nullable(),
});

export const execution = z.object({
  id,
  number: z.number().int(),
  jobId: id,
  jobName: z.string(),
  jobVersion: z.number().int(),
  state: executionState,
  inputs: z.record(z.string(), z.unknown()),
  reason: z.string(),
  triggerKind: z.string(),
  priority: prioritySchema,
  check: z.boolean().describe("check mode: it only tells what would change"),
  requestedByName: z.string(),
  targetCount: z.number().int().describe("different targets; one in two stages counts once"),
  counts: z
    .record(z.string(), z.number().int())
    .describe("assignments by state: a target has one in every stage that takes it"),
  createdAt: instant,
  startedAt: instant.nullable(),
  finishedAt: instant.nullable(),
  cancelRequestedAt: instant.nullable(),
  cancelRequestedBy: z.string().nullable(),
  cancelReason: z.string().nullable(),
  stateReason: z.string().nullable().describe("why it ended so, when its targets do not tell"),
  deadlineAt: instant.nullable().describe("when all of it must be over; what runs then is stopped"),
  pausedAt: instant.nullable(),
  pausedBy: z.string().nullable(),
  retryOf: z
    .object({ id, number: z.number().int() })
    .nullable()
    .describe("the execution whose targets this one repeats"),
  notice: z.string().optional().describe("what who started it should know: targets out of their reach were left out"),
});
export type Execution = z.infer<typeof execution>;
/** What stands in the way of an approval. */
export const approvalProblem = z
  .string()
  .nullable()
  .describe(
    "too few people can give the approvals that are missing, and whom to ask; null: enough can, or none is missing",
  );

export const executionDetail = execution.extend({
  approvalProblem,
  stages: z.array(stage),
  definition: z.string(),
  definitionSha256: z.string(),
  unreachable: z.number().int().describe("unfinished assignments whose agent is not connected"),
  waiting: z
    .object({
      agent: z.number().int().describe("their agent runs as many as it may"),
      fleet: z.number().int().describe("the fleet runs as many as it may"),
      fleetLimit: z.number().int().nullable(),
      away: z.number().int().describe("their agent is not connected"),
    })
    .describe("assignments that may begin and have not, by what they wait for"),
  canRun: z.boolean().describe("the caller may run its job, perhaps on some targets only"),
  canCancel: z
    .boolean()
    .describe("it is not finished, and the caller may cancel, pause and resume it: on all of its targets"),
});

export const executionListQuery = listQuery.extend({
  state: z.string().max(200).optional().describe("comma-separated states"),
  job: z.string().max(128).optional().describe("id or name"),
  target: z.string().max(128).optional().describe("id or name"),
});

export const assignment = z.object({
  id,
  stageId: z.string(),
  batch: z.number().int().describe("of its stage's rollout, from 0"),
  targetId: id,
  targetName: z.string(),
  agentId: id.nullable(),
  attempt: z.number().int(),
  state: assignmentState,
  stateReason: z.string().nullable(),
  unreachable: z.boolean().describe("unfinished, and its agent is not connected now"),
  waitsFor: z
    .enum(["agent", "fleet"])
    .nullable()
    .describe("queued because its agent, or the whole fleet, runs as many as it may (limits)"),
  unreachableSince: instant.nullable().describe("the last sign of its agent, while it is unreachable"),
  desired: z.enum(["run", "hold", "cancel", "forget"]),
  startBefore: instant.nullable().describe("while it is queued: when it expires"),
  overdueSince: instant.nullable().describe("past its timeout and asked to stop; its agent has not answered"),
  waitingForOutput: z
    .object({ since: instant, state: z.string(), missingBytes: z.number().int() })
    .nullable()
    .describe("the agent told the end and not yet all output that it named"),
  lateResult: z
    .object({ state: z.string(), reason: z.string(), at: instant })
    .nullable()
    .describe("what the agent told after the assignment was declared lost: evidence, the state stays"),
  canAbandon: z.boolean().describe("nobody may ever tell how it ends, and the caller may declare it lost"),
  offeredAt: instant.nullable(),
  acceptedAt: instant.nullable(),
  startedAt: instant.nullable(),
  finishedAt: instant.nullable(),
  /** One letter a step in the stage's order, for the host matrix without a request per host. */
  stepStates: z.array(stepState),
});
export type Assignment = z.infer<typeof assignment>;
export const assignmentListQuery = listQuery.extend({
  limit: z.coerce.number().int().min(1).max(10000).default(1000),
  state: z.string().max(200).optional(),
});

export const step = z.object({
  assignmentId: id,
  targetName: z.string(),
  stepId: z.string(),
  name: z.string(),
  position: z.number().int(),
  state: stepState,
  reason: z.string(),
  startedAt: instant.nullable(),
  finishedAt: instant.nullable(),
  outputs: z.record(z.string(), z.string()).nullable(),
  changed: z.boolean().nullable(),
  tries: z.array(
    z.object({
      attempt: z.number().int(),
      try: z.number().int(),
      state: keys(tryStates),
      reason: z.string(),
      exitCode: z.number().int().nullable(),
      signal: z.string().nullable(),
      startedAt: instant.nullable(),
      finishedAt: instant.nullable(),
      durationMs: z.number().nullable(),
      storedBytes: z.number().int(),
      storedLines: z.number().int(),
      outputBytes: z.number().int().nullable(),
      outputSha256: z.string().nullable(),
      outputVerified: z.boolean().nullable().describe("all of it is stored: whether its sha256 is the agent's"),
      rawBytes: z.number().int().nullable(),
      gaps: z.array(z.object({ offset: z.number().int(), omittedBytes: z.number().int() })),
    }),
  ),
});
export type Step = z.infer<typeof step>;
export const stepListQuery = z.object({ target: z.string().max(128).optional(), step: z.string().max(128).optional() });

/** Lines [from, from + limit) of one try; the newest attempt and try when not named. Line numbers count from 0. */
export const outputQuery = z.object({
  target: z.string().min(1).max(128).describe("target id or name, or assignment id"),
  step: z.string().min(1).max(128),
  stage: z
    .string()
    .min(1)
    .max(128)
    .optional()
    .describe("stage id; may be absent when only one stage has such a step on this target"),
  try: z.coerce.number().int().min(1).optional(),
  from: z.coerce.number().int().optional().describe("first line; negative counts from the end; default 0"),
  limit: z.coerce.number().int().min(1).max(10000).default(1000),
});
export const outputLines = z.object({
  from: z.number().int(),
  lines: z.array(z.string()).describe("without their newline; invalid UTF-8 as U+FFFD, NUL as U+2400"),
  totalLines: z.number().int().describe("complete lines stored, and one more when the last has no newline yet"),
  storedBytes: z.number().int(),
  lastLineOpen: z.boolean().describe("the last line has no newline yet"),
  complete: z.boolean().describe("nothing more will come"),
  try: z.number().int(),
  attempt: z.number().int(),
  gaps: z.array(z.object({ offset: z.number().int(), omittedBytes: z.number().int(), line: z.number().int() })),
});
/** output.txt of one try; the newest when not named. */
export const outputFileQuery = outputQuery.pick({ target: true, step: true, stage: true, try: true }).extend({
  raw: z.enum(["0", "1"]).default("0").describe("1: the stored bytes alone, without a line where a cap left some out"),
});
/** For a download by the browser itself, which cannot send the access token. One use, within a minute. */
export const outputTicket = z.object({ url: z.string().describe("path to navigate to"), expiresAt: instant });
/** Declares an assignment lost that nobody may ever tell the end of. */
export const abandonRequest = z.strictObject({ reason: lineText(500).min(1) });
/** A new execution of the same version with the same inputs, on the targets that ended badly or on all that are left. */
export const retryRequest = z.strictObject({
  assignments: z.array(id).min(1).max(10000).optional().describe("only these; what take says when absent"),
  take: z
    .enum(["failed", "rest"])
    .default("failed")
    .describe(
      "failed: targets that ended badly. rest: all that have not succeeded, also those that were never begun (a failure " +
        "budget was spent, an agent was away) or were cancelled. A workflow always goes on with the rest",
    ),
  repeatLost: z
    .boolean()
    .default(false)
    .describe("also repeat lost targets whose steps are not idempotent: they may run a second time"),
  reason: lineText(500).default(""),
});

/** What a timeline tells. `execution.*` come from the execution's own row, everything else is recorded as it happens. */
export const timelineKinds = [
  "execution.created",
  "execution.started",
  "execution.finished",
  "execution.retried",
  "cancel.requested",
  "cancel.told",
  "timeout.stop_requested",
  "agent.disconnected",
  "agent.reconnected",
  "step.adopted",
  "step.lost",
  "assignment.offered_again",
  "assignment.queued_again",
  "assignment.recovered",
  "assignment.denied",
  "assignment.expired",
  "assignment.lost",
  "assignment.late_result",
  "output.gap",
  "output.mismatch",
  "output.incomplete",
  "stream.rewound",
  "stage.started",
  "stage.skipped",
  "stage.finished",
  "batch.released",
  "rollout.stopped",
  "deadline.passed",
  "approval.approved",
  "approval.rejected",
  "execution.paused",
  "execution.resumed",
] as const;
export type TimelineKind = (typeof timelineKinds)[number];
export const timelineEntry = z.object({
  id: z.string(),
  at: instant,
  kind: z.enum(timelineKinds),
  assignmentId: id.nullable(),
  targetName: z.string().nullable(),
  detail: z.record(z.string(), z.unknown()),
});
export type TimelineEntry = z.infer<typeof timelineEntry>;
export const timelineQuery = listQuery
  .pick({ cursor: true })
  .extend({ limit: z.coerce.number().int().min(1).max(1000).default(500), target: z.string().max(128).optional() });

export const cancelRequest = z.strictObject({ reason: lineText(500).default("") });
