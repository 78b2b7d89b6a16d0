// Keeps what others see of this controller's agents true: the trust of open streams, last signs of life in the database
// once a minute and in the pages within seconds. Started by grpc/agent-listeners.ts.
import type { Agent } from "@opsconductor/contract/api/agents";
import { checkpointReader, type HandedCheckpoint } from "../communication/latest-checkpoint.ts";
import type { Context } from "../context.ts";
import { startLoop } from "../start-loop.ts";
import { selectAgents } from "./agent-queries.ts";
import { checkTrust } from "./check-trust.ts";
import { type DatabaseMark, judgeMark, readMark } from "./database-mark.ts";
import type { FleetLink } from "./fleet-link.ts";
import type { LinkRegistry } from "./links.ts";
import { pauseForOlder, readDatabaseState } from "./pause-dispatch.ts";
import { writeLastSigns } from "./presence-queries.ts";
import { presentAgent } from "./present-agent.ts";
import { publishAgents } from "./publish-agents.ts";
import { closeLostSessions, readRevocations } from "./session-queries.ts";

const markEveryMs = 5_000;
const watchEveryMs = 1_000;
const checkEveryMs = 30_000;
const writeEveryMs = 60_000;
const publishEveryMs = 2_000;
/** Longer than a hello takes from its commit to its stream. */
const lostAfterMs = 60_000;
/** Pages follow every heartbeat of a small fleet; of a large one each turn shows those that waited longest. */
const publishedPerTurn = 50;

export class Presence {
  readonly #ctx: Context;
  readonly #links: LinkRegistry<FleetLink>;
  #mark: DatabaseMark | undefined;
  #checkpoint: HandedCheckpoint | undefined;
  readonly #readCheckpoint: () => Promise<HandedCheckpoint | undefined>;
  #revocations: bigint | undefined;
  #checkedAtMs = 0;
  readonly #publishedAtMs = new Map<string, number>();
  readonly #written = new WeakSet<FleetLink>();

  constructor(ctx: Context, links: LinkRegistry<FleetLink>) {
    this.#ctx = ctx;
    this.#links = links;
    this.#readCheckpoint = checkpointReader(ctx);
  }

  /** Where the database stood a few seconds ago; undefined before the first look. */
  get mark(): DatabaseMark | undefined {
    return this.#mark;
  }

  /** Of the audit log, as new as the mark. */
  get checkpoint(): HandedCheckpoint | undefined {
    return this.#checkpoint;
  }

  /** The loops run until the controller stops. */
  async start(): Promise<void> {
    await this.#readMark();
    const ctx = this.#ctx;
    ctx.health.set("dispatch", async () => {
      const { paused } = await readDatabaseState(ctx);
      if (!paused) return { status: "ok" };
      return { status: "degraded", detail: "paused: a restored database waits for an operator to accept it" };
    });
    void startLoop(ctx, "fleet.mark", markEveryMs, () => this.#readMark());
    void startLoop(ctx, "fleet.trust", watchEveryMs, () => this.#watchTrust());
    void startLoop(ctx, "fleet.last_signs", writeEveryMs, () => this.writeVitals());
    void startLoop(ctx, "fleet.vitals", publishEveryMs, () => this.#publishVitals());
  }

  async #readMark(): Promise<void> {
    const before = this.#mark;
    const mark = await readMark(this.#ctx);
    this.#checkpoint = await this.#readCheckpoint();
    this.#mark = mark;
    if (!before || before.life === mark.life) return;
    // PostgreSQL was started under us: what we have told of it must still be there.
    await this.#ctx.sql.begin(async (tx) => {
      const judged = await judgeMark(this.#ctx, tx, before);
      if (judged?.older) await pauseForOlder(this.#ctx, tx, "this controller", before, judged);
    });
  }

  /** One row is read each second; the streams are looked at when it moved, and every 30 s in any case. */
  async #watchTrust(): Promise<void> {
    const revocations = await readRevocations(this.#ctx.sql);
    const due = performance.now() - this.#checkedAtMs >= checkEveryMs;
    if (!due && revocations === this.#revocations) return;
    for (const { link, code, reason } of await checkTrust(this.#ctx, this.#links.all())) link.close(code, reason);
    if (due) await this.closeLost();
    this.#revocations = revocations;
    this.#checkedAtMs = performance.now();
  }

  /** An agent whose stream is gone must not be shown as online, nor be waited for as if it were. */
  async closeLost(): Promise<void> {
    const { controllerId, sql, log } = this.#ctx;
    const now = this.#ctx.now();
    const held = [...this.#links.all()].map((l) => l.session);
    const before = new Date(now.getTime() - lostAfterMs);
    const agentIds = await closeLostSessions(sql, { controllerId, held, before, now });
    for (const agentId of agentIds) log.warn({ agentId }, "agent.lost_session_closed");
    await publishAgents(this.#ctx, agentIds);
  }

  async writeVitals(): Promise<void> {
    await this.#write([...this.#links.all()]);
  }

  /** The first of a session is not kept waiting for the minute: the page of a new agent would be empty. */
  async #writeFirstVitals(): Promise<void> {
    await this.#write([...this.#links.all()].filter((l) => l.vitals && !this.#written.has(l)));
  }

  async #write(links: FleetLink[]): Promise<void> {
    const told = links.filter((l) => l.vitals !== undefined);
    const signs = told.map((l) => ({ agentId: l.session.agentId, epoch: l.session.epoch, vitals: l.vitals! }));
    if (signs.length > 0) await writeLastSigns(this.#ctx.sql, signs, this.#ctx.now());
    for (const link of told) this.#written.add(link);
  }

  async #publishVitals(): Promise<void> {
    await this.#writeFirstVitals();
    const waiting = [...this.#links.all()]
      .filter((l) => l.vitals && l.heardAtMs > (this.#publishedAtMs.get(l.session.agentId) ?? 0))
      .sort((a, b) => this.#publishedAt(a) - this.#publishedAt(b))
      .slice(0, publishedPerTurn);
    for (const id of this.#publishedAtMs.keys()) if (!this.#links.get(id)) this.#publishedAtMs.delete(id);
    if (waiting.length === 0) return;
    const ids = waiting.map((l) => l.session.agentId);
    for (const row of await selectAgents(this.#ctx.sql, { ids, limit: ids.length, withFacts: false })) {
      const link = this.#links.get(row.id);
      if (!link?.vitals) continue;
      const lastSeenAt = this.#ctx.now().toISOString();
      const agent: Agent = { ...presentAgent(row), vitals: link.vitals, lastSeenAt };
      this.#ctx.live.publish({ kind: "agent", topic: "agents", agent });
      this.#publishedAtMs.set(row.id, performance.now());
    }
  }

  #publishedAt(link: FleetLink): number {
    return this.#publishedAtMs.get(link.session.agentId) ?? 0;
  }
}
