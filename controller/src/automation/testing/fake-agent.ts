// An agent as the controller's work sees it, for *.db.test.ts: rows of agent, session and target, a link that keeps what
// it is sent, and the words a real agent would say. It speaks the seam of fleet/agent-link.ts and nothing else.
import { createHash } from "node:crypto";
import type {
  AgentEvent,
  AgentEventBody,
  AgentLink,
  DesireMessage,
  EventReply,
  OfferMessage,
  OutputPiece,
  OutputReply,
  ReportedAttempt,
} from "../../fleet/agent-link.ts";
import type { TestContext } from "../../testing/test-context.ts";

export interface AttemptAddress {
  assignmentId: string;
  attempt: number;
  fence: bigint;
}

export class FakeAgent {
  readonly offers: OfferMessage[] = [];
  readonly desires: DesireMessage[] = [];
  takesWork = true;
  history: AgentLink["history"] = "shared";
  readonly id: string;
  readonly targetId: string;
  readonly name: string;
  epoch = 0n;
  private readonly t: TestContext;
  private readonly seqs = new Map<bigint, bigint>();

  private constructor(t: TestContext, name: string) {
    this.t = t;
    this.name = name;
    this.id = t.ctx.newId();
    this.targetId = t.ctx.newId();
  }

  /** Rows of the agent and its target; not connected yet. */
  static async make(t: TestContext, name: string): Promise<FakeAgent> {
    const agent = new FakeAgent(t, name);
    const { sql } = t.ctx;
    await sql`insert into fleet.agents (id, name, status, identity_key, sealing_key)
      values (${agent.id}, ${name}, 'active', ${Buffer.from(agent.id)}, 'x')`;
    await sql`insert into assets.targets (id, name, labels, managed_by_agent_id)
      values (${agent.targetId}, ${name}, '{"env": "test"}', ${agent.id})`;
    return agent;
  }

  static async connected(t: TestContext, name: string): Promise<FakeAgent> {
    const agent = await FakeAgent.make(t, name);
    await agent.connect();
    return agent;
  }

  /** A hello: a new epoch, the link in the registry, and `resume` with what the agent says it holds. */
  async connect(held: ReportedAttempt[] = []): Promise<EventReply[]> {
    await this.openSession();
    return await this.t.ctx.automation.work.resume(this.t.ctx, this.link, held);
  }

  async openSession(): Promise<void> {
    const [row] = await this.t.ctx.sql<[{ epoch: bigint }]>`
      insert into fleet.agent_sessions (agent_id, epoch, controller_id, connected_at)
      values (${this.id}, 1, ${this.t.ctx.controllerId}, now())
      on conflict (agent_id) do update set epoch = agent_sessions.epoch + 1, controller_id = excluded.controller_id
      returning epoch`;
    this.epoch = row.epoch;
    await this.t.ctx.sql`update fleet.agents set journal_id = 'journal' where id = ${this.id}`;
    this.t.links.put(this.link);
  }

  async disconnect(): Promise<void> {
    const held = this.t.links.get(this.id);
    if (held) this.t.links.remove(held);
    await this.t.ctx.sql`update fleet.agent_sessions set controller_id = null where agent_id = ${this.id}`;
  }

  get session() {
    return { agentId: this.id, agentName: this.name, epoch: this.epoch };
  }

  get link(): AgentLink {
    const agent = this;
    return {
      session: this.session,
      get takesWork() {
        return agent.takesWork;
      },
      history: this.history,
      offer: (offer) => this.offers.push(offer),
      desire: (desire) => this.desires.push(desire),
      close() {},
    };
  }

  /** The next events of an attempt, numbered as the journal would. */
  events(attempt: AttemptAddress, ...bodies: AgentEventBody[]): AgentEvent[] {
    return bodies.map((body) => {
      const seq = (this.seqs.get(attempt.fence) ?? 0n) + 1n;
      this.seqs.set(attempt.fence, seq);
      const { assignmentId, attempt: number, fence } = attempt;
      return { assignmentId, attempt: number, fence, seq, atMs: Date.now(), body };
    });
  }

  async say(attempt: AttemptAddress, ...bodies: AgentEventBody[]): Promise<EventReply[]> {
    return await this.send(this.events(attempt, ...bodies));
  }

  async send(events: AgentEvent[]): Promise<EventReply[]> {
    return await this.t.ctx.automation.work.recordEvents(this.t.ctx, this.session, events);
  }

  async push(...pieces: OutputPiece[]): Promise<OutputReply[]> {
    return await this.t.ctx.automation.work.storeOutput(this.t.ctx, this.session, pieces);
  }

  /** Everything of a whole run, output first as a fast step would have it: accepted to finished. */
  async run(offer: AttemptAddress, output: Uint8Array, stepId = "step-1", state = "succeeded"): Promise<void> {
    await this.say(offer, { kind: "accepted" }, starting(stepId));
    if (output.length > 0) await this.push(piece(offer, 0n, output, stepId));
    await this.say(offer, started(stepId), finishedTry(output, stepId, state), finishedStep(stepId, state), {
      kind: "finished",
      state: state as "succeeded",
      reason: "",
    });
  }
}

export const starting = (stepId = "step-1", number = 1): AgentEventBody => ({
  kind: "tryStarting",
  stepId,
  try: number,
  spawn: 1,
});

export const started = (stepId = "step-1", number = 1): AgentEventBody => ({
  kind: "tryStarted",
  stepId,
  try: number,
  spawn: 1,
  pid: 4711,
  bootId: "boot-1",
});

export const finishedTry = (
  output: Uint8Array,
  stepId = "step-1",
  state = "succeeded",
  number = 1,
): AgentEventBody & { kind: "tryFinished" } => ({
  kind: "tryFinished",
  stepId,
  try: number,
  state,
  exitCode: state === "succeeded" ? 0 : 1,
  signal: "",
  reason: "",
  outputBytes: BigInt(output.length),
  outputSha256: createHash("sha256").update(output).digest(),
  gaps: [],
  rawBytes: BigInt(output.length),
  durationMs: 5,
});

export const finishedStep = (stepId = "step-1", state = "succeeded"): AgentEventBody => ({
  kind: "stepFinished",
  stepId,
  state,
  reason: "",
  outputsJson: Buffer.from("{}"),
  changed: false,
});

export const piece = (
  { assignmentId, attempt, fence }: AttemptAddress,
  offset: bigint,
  data: Uint8Array,
  stepId = "step-1",
  number = 1,
): OutputPiece => ({ assignmentId, attempt, fence, stepId, try: number, offset, data });
