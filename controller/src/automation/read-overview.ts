// Everything the overview page shows, in one answer. Called by GET overview.
import type { overview } from "@opsconductor/contract/api/system";
import type { z } from "zod";
import type { Actor, Context } from "../context.ts";
import {
  countAgents,
  countByHour,
  countInventory,
  countWork,
  selectFailingJobs,
  selectStuckExecutions,
  selectTroubledAgents,
} from "./overview-queries.ts";
import { presentExecution } from "./present-execution.ts";
import { selectExecutions } from "./read-queries.ts";

type Overview = z.infer<typeof overview>;

const hourMs = 60 * 60_000;
const attentionEach = 10;
const stuckAfterMs = 60_000;
const latestCount = 10;
const failures = ["failed", "timed_out", "partial"];

export async function readOverview(ctx: Pick<Context, "sql" | "now">, actor: Actor): Promise<Overview> {
  const now = ctx.now();
  const firstHour = new Date(Math.floor(now.getTime() / hourMs) * hourMs - 23 * hourMs);
  const [agents, inventory, work, byHour, attention, latest] = await Promise.all([
    countAgents(ctx.sql, actor),
    countInventory(ctx.sql, actor),
    countWork(ctx.sql, actor),
    countByHour(ctx.sql, actor, firstHour),
    readAttention(ctx, actor, firstHour, now),
    selectExecutions(ctx.sql, actor, {
      ...{ states: undefined, job: undefined, target: undefined, q: undefined, before: undefined },
      limit: latestCount,
    }),
  ]);
  const hours = foldHours(byHour, firstHour);
  return {
    agents: {
      online: Number(agents.online),
      offline: Number(agents.offline),
      quarantined: Number(agents.quarantined),
      total: Number(agents.total),
    },
    targets: Number(inventory.targets),
    jobs: Number(inventory.jobs),
    running: { executions: Number(work.executions), targets: Number(work.running) },
    queued: Number(work.queued),
    last24h: {
      total: byHour.reduce((sum, h) => sum + Number(h.n), 0),
      failed: hours.reduce((sum, h) => sum + h.failed, 0),
    },
    hours,
    attention,
    latest: latest.map(presentExecution),
  };
}

/** 24 hours, the oldest first, also those in which nothing ran. */
function foldHours(rows: readonly { at: Date; state: string; n: bigint }[], firstHour: Date): Overview["hours"] {
  return Array.from({ length: 24 }, (_, i) => {
    const at = new Date(firstHour.getTime() + i * hourMs);
    const own = rows.filter((r) => r.at.getTime() === at.getTime());
    const sum = (states: (state: string) => boolean) =>
      own.filter((r) => states(r.state)).reduce((n, r) => n + Number(r.n), 0);
    return {
      at: at.toISOString(),
      succeeded: sum((s) => s === "succeeded"),
      failed: sum((s) => failures.includes(s)),
      other: sum((s) => s !== "succeeded" && !failures.includes(s)),
    };
  });
}

async function readAttention(
  ctx: Pick<Context, "sql">,
  actor: Actor,
  since: Date,
  now: Date,
): Promise<Overview["attention"]> {
  const [agents, failed, stuck] = await Promise.all([
    selectTroubledAgents(ctx.sql, actor, attentionEach),
    selectFailingJobs(ctx.sql, actor, since, attentionEach),
    selectStuckExecutions(ctx.sql, actor, new Date(now.getTime() - stuckAfterMs), attentionEach),
  ]);
  const of = (kind: string, id: string, title: string, detail: string, at: Date) => ({
    ...{ kind, id, title, detail, at: at.toISOString() },
  });
  return [
    ...agents.map((a) =>
      a.state === "quarantined"
        ? of("agent_quarantined", a.id, `${a.name} is quarantined`, a.statusReason ?? "", a.at)
        : of("agent_offline", a.id, `${a.name} is offline`, "Work for it waits until it returns", a.at),
    ),
    ...stuck.map((e) =>
      of(
        "execution_waiting",
        e.id,
        `${e.jobName} #${e.number} waits`,
        `${e.away} targets are unreachable`,
        e.createdAt,
      ),
    ),
    ...failed.map((e) => {
      const total = Object.values(e.counts).reduce((sum, count) => sum + count, 0);
      const bad = total - (e.counts.succeeded ?? 0);
      const parts = total === e.targetCount ? "" : `${total} assignments on `;
      return of(
        "execution_failed",
        e.id,
        `${e.jobName} #${e.number} ${wordOf(e.state)}`,
        `${bad} of ${parts}${e.targetCount} targets`,
        e.finishedAt,
      );
    }),
  ];
}

function wordOf(state: string): string {
  return state === "timed_out" ? "timed out" : state === "partial" ? "failed in part" : "failed";
}
