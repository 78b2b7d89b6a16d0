// The live stream: GET events?topics=a,b (SSE by fetch). Every event names its topic; ids resume after a cut.
//
//   event: message    data: one of `liveEvent`
//   event: ready      subscribed; its id is where to resume when nothing else comes
//   event: reset      the server no longer has what came after Last-Event-ID: fetch again, then go on
//   comment lines     every 15 s, so that a dead connection is noticed
import * as z from "zod";
import { agent } from "./agents.ts";
import { assignmentState, execution, executionState, stepState } from "./executions.ts";

/** Topics a page may ask for. `executions:<id>` carries assignments, steps and output sizes of one execution, `me` what is
 * about the caller: executions they started that have ended, and sign-ins to their account. */
export const liveTopics = [
  "agents",
  "targets",
  "jobs",
  "executions",
  "approvals",
  "enrollment-tokens",
  "audit",
  "me",
] as const;
export const topicPattern =
  /^(agents|targets|jobs|executions|executions:[0-9a-f-]{36}|enrollment-tokens|approvals|audit|me)$/;

export const liveEvent = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("agent"), topic: z.string(), agent }),
  z.object({
    kind: z.literal("token"),
    topic: z.string(),
    tokenId: z.string(),
    agentId: z.string(),
    agentName: z.string(),
  }),
  z.object({ kind: z.literal("changed"), topic: z.string(), ids: z.array(z.string()).describe("fetch these again") }),
  z.object({ kind: z.literal("execution"), topic: z.string(), execution }),
  z.object({
    kind: z.literal("assignment"),
    topic: z.string(),
    executionId: z.string(),
    assignmentId: z.string(),
    targetName: z.string(),
    state: assignmentState,
    stateReason: z.string().nullable(),
    executionState,
  }),
  z.object({
    kind: z.literal("session"),
    topic: z.string(),
    sessionId: z.string(),
    at: z.string(),
    address: z.string().nullable(),
    userAgent: z.string().nullable(),
    isNew: z.boolean().describe("no session of the account came from this address with this browser before"),
  }),
  z.object({ kind: z.literal("timeline"), topic: z.string(), executionId: z.string() }),
  z.object({
    kind: z.literal("step"),
    topic: z.string(),
    executionId: z.string(),
    assignmentId: z.string(),
    targetName: z.string(),
    stepId: z.string(),
    position: z.number().int(),
    state: stepState,
  }),
  z.object({
    kind: z.literal("output"),
    topic: z.string(),
    executionId: z.string(),
    assignmentId: z.string(),
    targetName: z.string(),
    stepId: z.string(),
    try: z.number().int(),
    storedBytes: z.number().int(),
    storedLines: z.number().int(),
  }),
]);
export type LiveEvent = z.infer<typeof liveEvent>;
