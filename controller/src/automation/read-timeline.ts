// What happened to an execution, newest first: its own beginning and end, and everything recorded between. Called by GET
// executions/{id}/timeline.
import type { TimelineEntry, TimelineKind, timelineQuery } from "@opsconductor/contract/api/executions";
import type { z } from "zod";
import { isStorable } from "../assets/storable-text.ts";
import type { Actor, Context } from "../context.ts";
import { encodeCursor } from "../cursor.ts";
import type { ExecutionRow } from "./execution-queries.ts";
import { findExecution } from "./get-execution.ts";
import { idOfCursor } from "./list-executions.ts";
import { selectTimeline, type TimelineRow } from "./timeline-queries.ts";

type Params = z.infer<typeof timelineQuery> & { execution: string };

export async function readTimeline(
  ctx: Pick<Context, "sql">,
  actor: Actor,
  { execution, cursor, limit, target }: Params,
): Promise<{ items: TimelineEntry[]; nextCursor?: string }> {
  const row = await findExecution(ctx.sql, actor, execution);
  if (target !== undefined && !isStorable(target)) return { items: [] };
  const before = cursor === undefined ? undefined : idOfCursor(cursor);
  const rows = await selectTimeline(ctx.sql, actor, { executionId: row.id, target, before, limit: limit + 1 });
  const isLast = rows.length <= limit;
  const own = milestonesOf(row).filter(({ kind }) => (kind === "execution.finished" ? before === undefined : isLast));
  const items = [...rows.slice(0, limit).map(presentEntry), ...own].toSorted(newestFirst);
  const last = rows[limit - 1];
  return isLast || !last ? { items } : { items, nextCursor: encodeCursor([last.id]) };
}

const newestFirst = (a: TimelineEntry, b: TimelineEntry) =>
  Date.parse(b.at) - Date.parse(a.at) || orderOf(b) - orderOf(a);

/** Of things in the same millisecond. */
const orderOf = ({ kind }: TimelineEntry): number =>
  kind === "execution.created" ? 0 : kind === "execution.started" ? 1 : kind === "execution.finished" ? 3 : 2;

function milestonesOf(row: ExecutionRow): TimelineEntry[] {
  const made: TimelineEntry[] = [];
  const add = (kind: TimelineKind, at: Date | null, detail: Record<string, unknown>) => {
    if (at) made.push({ id: kind, at: at.toISOString(), kind, assignmentId: null, targetName: null, detail });
  };
  const { requestedByName: by, triggerKind: trigger, targetCount: targets, reason } = row;
  const retryOf = row.retryOfNumber === null ? {} : { retryOf: Number(row.retryOfNumber) };
  add("execution.created", row.createdAt, { by, trigger, targets, reason, ...retryOf });
  add("execution.started", row.startedAt, {});
  add("execution.finished", row.finishedAt, { state: row.state });
  return made;
}

function presentEntry({ id, at, kind, assignmentId, targetName, detail }: TimelineRow): TimelineEntry {
  return { id, at: at.toISOString(), kind, assignmentId, targetName, detail };
}
