// Between live and the stream of somebody whose rights are bound to a scope: what they may not read does not come, and
// hints come without ids. Events wait while the database is asked, many at once; whoever may read everything is not
// delayed. Used by routes/events.ts.
import type { LiveEvent } from "@opsconductor/contract/api/events";
import { type Permission, topicRequirements } from "@opsconductor/contract/permissions";
import type { Actor, Context } from "../context.ts";
import { mayEverywhere } from "../identity/grants.ts";
import { type ReadableKind, readableOf } from "../identity/readable-of.ts";

/** A right that was taken away, or an object that left the scope, is noticed this much later at most. */
const cacheMs = 1500;

type Push = (id: string, event: LiveEvent) => void;

export class ScopedEvents {
  /** As of the latest look at the session. */
  actor: Actor;
  private readonly ctx: Context;
  private readonly push: Push;
  private waiting: [string, LiveEvent][] = [];
  private working = false;
  private readonly known = new Map<string, { readable: boolean; until: number }>();

  constructor(ctx: Context, actor: Actor, push: Push) {
    this.ctx = ctx;
    this.actor = actor;
    this.push = push;
  }

  take(id: string, event: LiveEvent): void {
    if (!this.working && this.isOpen(event)) this.push(id, event);
    else {
      this.waiting.push([id, event]);
      if (!this.working) void this.work();
    }
  }

  private async work(): Promise<void> {
    this.working = true;
    while (this.waiting.length > 0) {
      const batch = this.waiting;
      this.waiting = [];
      try {
        await this.look(batch.map(([, event]) => event));
        for (const [id, event] of batch) {
          const shown = this.shown(event);
          if (shown) this.push(id, shown);
        }
      } catch (err) {
        this.ctx.log.warn({ err, user: this.actor.name, events: batch.length }, "events.scope_unknown"); // not shown
      }
    }
    this.working = false;
  }

  /** Asks for what is not known, once a kind. */
  private async look(events: readonly LiveEvent[]): Promise<void> {
    const now = performance.now();
    for (const [key, { until }] of this.known) if (until <= now) this.known.delete(key);
    const asked = events.flatMap((event) => objectOf(event) ?? []).filter((o) => !this.known.has(keyOf(o)));
    for (const [kind, objects] of Map.groupBy(asked, (o) => o.kind)) {
      const ids = [...new Set(objects.map((o) => o.id))];
      const readable = await readableOf(this.ctx, this.actor, kind, ids);
      for (const id of ids) this.known.set(keyOf({ kind, id }), { readable: readable.has(id), until: now + cacheMs });
    }
  }

  private isOpen(event: LiveEvent): boolean {
    const permission = permissionOf(event);
    return permission === undefined || mayEverywhere(this.actor, permission);
  }

  private shown(event: LiveEvent): LiveEvent | undefined {
    if (this.isOpen(event)) return event;
    if (event.kind === "changed") return { ...event, ids: [] };
    const object = objectOf(event);
    return object && this.known.get(keyOf(object))?.readable ? event : undefined;
  }
}

interface EventObject {
  kind: ReadableKind;
  id: string;
}
const keyOf = ({ kind, id }: EventObject) => `${kind} ${id}`;

/** Undefined: about nothing that a scope could reach. */
function objectOf(event: LiveEvent): EventObject | undefined {
  switch (event.kind) {
    case "agent":
      return { kind: "agent", id: event.agent.id };
    case "execution":
      return { kind: "execution", id: event.execution.id };
    case "timeline":
      return { kind: "execution", id: event.executionId };
    case "assignment":
    case "step":
    case "output":
      return { kind: "assignment", id: event.assignmentId };
    default:
      return undefined;
  }
}

/** Who may see all of a topic; undefined: whoever it is about. Also one's own execution is read by the right to read it. */
function permissionOf({ topic, kind }: LiveEvent): Permission | undefined {
  const needed = topicRequirements[topic.split(":")[0]!]!;
  return needed !== "token" ? needed : kind === "execution" ? "executions:read" : undefined;
}
