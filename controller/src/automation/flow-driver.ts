// Sees to it that executions with stages, batches or conditions go on: at once when something of them has ended here, and
// by a poll over their due times behind it, because rows are the truth and everything else is a hint. Every controller
// has one; the lock of an execution's row decides who advances it. Built by automation.ts.

import { advanceFlow } from "./advance-flow.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { type AutomationBase, desireOf } from "./dispatcher.ts";
import type { ExecutionRow } from "./execution-queries.ts";
import { selectDue } from "./flow-queries.ts";
import { publishAssignments, publishExecutions, publishTimelines } from "./publish-changes.ts";

export const flowPollMs = 1000;
const duePerRound = 100;
/** Transactions at a time. */
const lanes = 3;

export class FlowDriver {
  private readonly ctx: AutomationBase;
  private readonly dispatcher: Dispatcher;
  private readonly waiting = new Set<string>();
  private readonly running = new Set<Promise<void>>();
  private cancelOther: ((id: string, reason: string) => Promise<unknown>) | undefined;

  constructor(ctx: AutomationBase, dispatcher: Dispatcher) {
    this.ctx = ctx;
    this.dispatcher = dispatcher;
  }

  /** How an execution is cancelled that stands in the way of another; until it is told, that one waits. */
  useCancel(cancel: (id: string, reason: string) => Promise<unknown>): void {
    this.cancelOther = cancel;
  }

  /** Something of these executions has ended, or they are new. */
  wake(ids: Iterable<string>): void {
    for (const id of ids) this.waiting.add(id);
    while (this.running.size < lanes && this.running.size < this.waiting.size) {
      const lane: Promise<void> = this.work().finally(() => this.running.delete(lane));
      this.running.add(lane);
    }
  }

  /** One round of the poll. */
  async poll(): Promise<void> {
    this.wake(await selectDue(this.ctx.sql, this.ctx.now(), duePerRound));
    await this.idle();
  }

  async idle(): Promise<void> {
    while (this.running.size > 0) await Promise.all(this.running);
  }

  private async work(): Promise<void> {
    await Promise.resolve(); // what is woken in this turn is done together
    for (const id of this.waiting) {
      this.waiting.delete(id);
      try {
        await this.advance(id);
      } catch (error) {
        // Its due time stands: the poll takes it up again.
        if (!this.ctx.signal.aborted) this.ctx.log.error({ err: error, executionId: id }, "flow.advance_failed");
      }
    }
  }

  private async advance(id: string): Promise<void> {
    const done = await this.ctx.sql.begin((tx) => advanceFlow(tx, id, this.ctx.now()));
    if (!done) return;
    this.dispatcher.wake(done.wake);
    for (const row of done.desires) if (row.agentId) this.dispatcher.desire(row.agentId, desireOf(row));
    publishExecutions(this.ctx, [done.row]);
    publishAssignments(this.ctx, [done.row], done.changed);
    publishTimelines(this.ctx, [id]);
    // Expired or cancelled: it waits for nobody any more.
    if (done.row.state === "cancelled") this.ctx.live.publish({ kind: "changed", topic: "approvals", ids: [id] });
    this.wake(done.others);
    for (const other of done.cancel) await this.cancel(other, done.row);
    this.ctx.log.debug({ executionId: id, state: done.row.state, agents: done.wake.size }, "flow.advanced");
  }

  /** Asked again with every look until it is over: a cancel that was asked for stands. */
  private async cancel(id: string, by: ExecutionRow): Promise<void> {
    const reason = `#${by.number} runs instead (concurrency key ${by.concurrencyKey})`;
    await this.cancelOther?.(id, reason);
  }
}
