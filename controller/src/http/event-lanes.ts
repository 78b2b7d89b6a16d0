// Between live and one page's stream: bursts become at most a few batches a second, and of several events about the
// same thing the newest is sent. Pure but for its timers; used by routes/events.ts.
import type { LiveEvent } from "@opsconductor/contract/api/events";

/** A fleet changes faster than anybody reads; work that somebody watches should move at once. */
const windowMs = { agents: 250, rest: 80 } as const;
type Lane = keyof typeof windowMs;

/** `id` is where the page resumes after this event: never beyond one that still waits here. */
export type SendEvent = (id: string, event: LiveEvent) => void;

export class EventLanes {
  private readonly send: SendEvent;
  private readonly waiting = { agents: new Map<string, LiveEvent>(), rest: new Map<string, LiveEvent>() };
  private readonly timers: { [lane in Lane]?: NodeJS.Timeout } = {};
  /** Newest event seen, and the newest before the oldest that waits in each lane. */
  private lastId: string;
  private readonly resumeFrom: { [lane in Lane]?: { id: string; order: number } } = {};
  private order = 0;

  constructor(lastId: string, send: SendEvent) {
    this.lastId = lastId;
    this.send = send;
  }

  push(id: string, event: LiveEvent): void {
    const lane: Lane = event.kind === "agent" ? "agents" : "rest";
    const waiting = this.waiting[lane];
    this.order += 1;
    this.resumeFrom[lane] ??= { id: this.lastId, order: this.order };
    this.lastId = id;
    const key = keyOf(event);
    waiting.delete(key);
    waiting.set(key, event);
    if (this.timers[lane] === undefined) this.flush(lane);
  }

  /** The first event after a pause goes at once; what follows within the window waits for its end. */
  private flush(lane: Lane): void {
    const events = [...this.waiting[lane].values()];
    this.waiting[lane].clear();
    delete this.resumeFrom[lane];
    delete this.timers[lane];
    if (events.length === 0) return;
    const id = this.resumePoint();
    for (const event of events) this.send(id, event);
    this.timers[lane] = setTimeout(() => this.flush(lane), windowMs[lane]);
  }

  private resumePoint(): string {
    const held = Object.values(this.resumeFrom).sort((a, b) => a.order - b.order);
    return held[0]?.id ?? this.lastId;
  }

  close(): void {
    for (const timer of Object.values(this.timers)) clearTimeout(timer);
  }
}

/** Events with the same key say the same kind of thing about the same thing: a later one replaces an earlier one. */
function keyOf(event: LiveEvent): string {
  switch (event.kind) {
    case "agent":
      return `agent ${event.agent.id}`;
    case "execution":
      return `execution ${event.topic} ${event.execution.id}`;
    case "assignment":
      return `assignment ${event.topic} ${event.assignmentId}`;
    case "timeline":
      return `timeline ${event.executionId}`;
    case "step":
      return `step ${event.topic} ${event.assignmentId} ${event.stepId}`;
    case "output":
      return `output ${event.topic} ${event.assignmentId} ${event.stepId} ${event.try}`;
    case "changed":
      return `changed ${event.topic} ${event.ids.join(" ")}`;
    case "token":
      return `token ${event.tokenId}`;
    case "session":
      return `session ${event.sessionId}`;
  }
}
