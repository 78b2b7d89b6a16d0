// How much may run and begin at once: `limits`, and that of one agent.
import * as z from "zod";

const atMost = (most: number) => z.number().int().min(1).max(most).nullable();

export const limitSettings = z.strictObject({
  agentLimit: atMost(10_000).describe("assignments at once on one agent; null: the program's own, 64"),
  fleetLimit: atMost(1_000_000).describe("assignments at once on all agents that are connected; null: no limit"),
  brakeJob: atMost(10_000).describe("starts of one job within brakeSeconds; more are refused. null: no brake"),
  brakeUser: atMost(10_000).describe("starts by one user within brakeSeconds; null: no brake"),
  brakeSeconds: z.number().int().min(1).max(3600),
  brakeUnfinished: atMost(1_000_000).describe(
    "executions of one job that are not finished; further starts are refused. 1,000 until it is set; null: no brake",
  ),
});
export type LimitSettings = z.infer<typeof limitSettings>;

export const limits = limitSettings.extend({
  revision: z.number().int(),
  running: z
    .number()
    .int()
    .describe(
      "assignments on agents that are connected which run or were offered, and so take a place under fleetLimit; of those that the caller may see. Not what waits at a barrier or in a pause and runs nothing",
    ),
  waitingForAgent: z.number().int().describe("assignments that wait because their agent runs as many as it may"),
  waitingForFleet: z.number().int().describe("assignments that wait because the fleet runs as many as it may"),
});
export type Limits = z.infer<typeof limits>;

/** PUT: `revision` is the one that was read, so that two people do not undo each other. */
export const limitsRequest = limitSettings.extend({ revision: z.number().int() });

export const agentLimitRequest = z.strictObject({
  limit: atMost(10_000).describe("assignments at once on this agent; null: as the settings say"),
});
