// An agent that did work in a history which a restored database does not have says hello to the accepted database. What it
// still holds becomes the attempt here too, so that its outcome is recorded and nothing starts twice. Work that was
// queued before the restore and that it does not hold may have run and been forgotten: lost, and a person decides.
// Called by resume-agent.ts before everything else of a hello.

import type { Query } from "../context.ts";
import { systemActor } from "../context.ts";
import type { AgentLink, ReportedAttempt } from "../fleet/agent-link.ts";
import type { AutomationBase } from "./dispatcher.ts";
import type { Transition } from "./execution-state.ts";
import { adoptAttempt, lockQueued, loseQueued, selectHistory } from "./lost-history-queries.ts";
import { insertNotes, type TimelineNote } from "./timeline-queries.ts";

const reason = "the database was restored from an older backup; whether this ran in the meantime is not known";

/** High part of a fence: the generation of the database that gave it. */
const generationOf = (fence: bigint): number => Number(fence >> 40n);

/** How the assignments moved, for their executions. */
export async function adoptLostHistory(
  ctx: Pick<AutomationBase, "now" | "log">,
  tx: Query,
  link: AgentLink,
  held: readonly ReportedAttempt[],
): Promise<Transition[]> {
  const { generation, restoredAt } = await selectHistory(tx);
  const older = held.filter((h) => generationOf(h.fence) < generation);
  if (older.length === 0 && link.history !== "lost") return [];
  const at = ctx.now();
  const { agentId, agentName, epoch } = link.session;
  const queued = await lockQueued(tx, agentId);
  const moves: Transition[] = [];
  const notes: TimelineNote[] = [];
  const gone = [];
  for (const row of queued) {
    const mine = older.find((h) => h.assignmentId === row.id && h.attempt > row.attempt);
    const place = { executionId: row.executionId, stageId: row.stageId, from: "queued", at } as const;
    const note = { executionId: row.executionId, assignmentId: row.id, targetName: row.targetName, at };
    if (mine) {
      await adoptAttempt(tx, { id: row.id, attempt: mine.attempt, fence: mine.fence, epoch, at });
      moves.push({ ...place, to: "offered" });
      notes.push({ ...note, kind: "assignment.recovered", detail: { attempt: mine.attempt, state: mine.state } });
    } else if (link.history === "lost" && restoredAt !== null && row.createdAt < restoredAt) {
      gone.push(row.id);
      moves.push({ ...place, to: "lost" });
      notes.push({ ...note, kind: "assignment.lost", detail: { by: systemActor.name, reason, from: "queued" } });
    }
  }
  await loseQueued(tx, gone, at, reason);
  await insertNotes(tx, notes);
  const counts = { adopted: moves.length - gone.length, lost: gone.length };
  if (moves.length > 0) ctx.log.warn({ agentId, agentName, ...counts }, "agent.lost_history_told");
  return moves;
}
