// Monitoring and the overview page: `system`, `overview`, /health.
import * as z from "zod";
import { instant, lineText } from "./common.ts";
import { execution } from "./executions.ts";

export const health = z.object({
  status: z.enum(["ok", "degraded", "failing"]),
  version: z.string(),
  parts: z.record(
    z.string(),
    z.object({ status: z.enum(["ok", "degraded", "failing"]), detail: z.string().optional() }),
  ),
});

/** One request for the overview page: what is wrong now, what runs, what finished lately. */
export const overview = z.object({
  agents: z.object({
    online: z.number().int(),
    offline: z.number().int(),
    quarantined: z.number().int(),
    total: z.number().int(),
  }),
  targets: z.number().int(),
  jobs: z.number().int(),
  running: z.object({ executions: z.number().int(), targets: z.number().int() }),
  queued: z.number().int(),
  last24h: z.object({ total: z.number().int(), failed: z.number().int() }),
  hours: z.array(
    z.object({ at: z.string(), succeeded: z.number().int(), failed: z.number().int(), other: z.number().int() }),
  ),
  attention: z.array(
    z.object({ kind: z.string(), id: z.string(), title: z.string(), detail: z.string(), at: z.string() }),
  ),
  latest: z.array(execution),
});

export const system = z.object({
  version: z.string(),
  clusterId: z.string(),
  controllerId: z.string(),
  startedAt: z.string(),
  publicUrl: z.string(),
  secure: z.boolean(),
  agentAddress: z.string(),
  apiAddress: z.string(),
  database: z.object({
    version: z.string(),
    embedded: z.boolean(),
    schemaVersion: z.number().int(),
    sizeBytes: z.number(),
  }),
});

/** Whether work is offered. Paused: agents know this database further on than it is, so it was restored from a backup. */
export const databaseState = z.object({
  generation: z.number().int().describe("raised by each accepted restore; the high part of every fence"),
  paused: z
    .object({
      since: instant,
      by: z.string().describe("who knows more"),
      reason: z.string(),
      behindBytes: z.number().int().describe("of PostgreSQL's log, at least; 0 when it cannot be compared"),
      restoredAt: instant.describe("start of the database that was found to be older"),
    })
    .nullable(),
});
export type DatabaseState = z.infer<typeof databaseState>;
export const acceptDatabaseRequest = z.strictObject({ reason: lineText(500).min(1) });
