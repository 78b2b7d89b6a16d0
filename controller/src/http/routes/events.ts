// GET events: the one live stream of a page, as server-sent events read by fetch. See contract/src/api/events.ts.
import type { HttpBindings } from "@hono/node-server";
import { createRoute, z } from "@hono/zod-openapi";
import { type LiveEvent, topicPattern } from "@opsconductor/contract/api/events";
import { OcError } from "@opsconductor/contract/errors";
import { topicRequirements } from "@opsconductor/contract/permissions";
import type { Actor, Context } from "../../context.ts";
import { liveRights } from "../../identity/authenticate.ts";
import { demandPermission } from "../../identity/demand-permission.ts";
import { mayAnywhere } from "../../identity/grants.ts";
import { personalTopic } from "../../live/live.ts";
import { EventLanes } from "../event-lanes.ts";
import { newRouter, problemResponses, type Router } from "../router.ts";
import { ScopedEvents } from "../scoped-events.ts";
import { createSseStream } from "../sse.ts";
import { watchRights } from "../watch-rights.ts";

const maxTopics = 50;
const maxReplay = 500;
const followed = Object.keys(topicRequirements);

const topics = z
  .string()
  .transform((text) => [...new Set(text.split(",").filter((topic) => topic !== ""))])
  .refine(
    (list) => list.length > 0 && list.length <= maxTopics,
    `must be 1 to ${maxTopics} topics, separated by commas`,
  )
  .refine(
    (list) => list.every((topic) => topicPattern.test(topic)),
    `must be topics: ${followed.join(", ")}, executions:<id>`,
  )
  .openapi({ type: "string", example: "agents,executions" });

const events = createRoute({
  method: "get",
  path: "/api/v1/events",
  tags: ["Live"],
  summary: "Follow what changes, as server-sent events",
  request: {
    query: z.object({ topics }),
    headers: z.object({ "last-event-id": z.string().max(100).optional() }),
  },
  responses: {
    200: { description: "A stream without end", content: { "text/event-stream": { schema: z.string() } } },
    ...problemResponses,
  },
});

export function eventsRoutes(ctx: Context): Router {
  const routes = newRouter();
  routes.openapi(events, async (c) => {
    // Its body would be thrown away, and the stream with its timers would go on for nobody.
    if (c.req.method === "HEAD") throw new OcError("method_not_allowed", "The stream of events answers GET.");
    const { topics } = c.req.valid("query");
    const actor = c.get("actor");
    await demandTopics(ctx, actor, topics);
    const cut = () => (c.env as Partial<HttpBindings> | undefined)?.outgoing?.destroy();
    const stream = openStream(ctx, actor, { topics, lastEventId: c.req.valid("header")["last-event-id"], cut });
    return c.body(stream, 200, {
      "Content-Type": "text/event-stream; charset=utf-8",
      "Cache-Control": "no-store, no-transform",
      "X-Accel-Buffering": "no", // nginx would hold events back
    });
  });
  return routes;
}

/** The pattern of topics lets none through that is not in the table. */
const neededFor = (topic: string) => topicRequirements[topic.split(":")[0]!]!;

async function demandTopics(ctx: Context, actor: Actor, topics: readonly string[]): Promise<void> {
  for (const topic of topics) {
    const permission = neededFor(topic);
    if (permission === "token") continue;
    await demandPermission(ctx, actor, { permission, route: `FOLLOW ${topic}`, what: `Following ${topic}` });
  }
}

function mayFollow(actor: Actor, topics: readonly string[]): boolean {
  return topics.map(neededFor).every((needed) => needed === "token" || mayAnywhere(actor, needed));
}

interface StreamParams {
  topics: string[];
  lastEventId: string | undefined;
  /** Ends the connection with whatever waits in it. */
  cut: () => void;
}

function openStream(ctx: Context, actor: Actor, { topics, lastEventId, cut }: StreamParams) {
  const missed: [string, LiveEvent][] = [];
  let lanes: EventLanes | undefined;
  const scoped = new ScopedEvents(ctx, actor, (id, event) => lanes?.push(id, event));
  const mine = personalTopic(actor.id!);
  const wanted = topics.map((topic) => (topic === "me" ? mine : topic));
  const subscription = ctx.live.subscribe(wanted, lastEventId, (id, told) => {
    const event = told.topic === mine ? { ...told, topic: "me" } : told;
    if (lanes) scoped.take(id, event);
    else missed.push([id, event]);
  });
  const stream = createSseStream((why) => {
    unwatch();
    ctx.signal.removeEventListener("abort", stream.close);
    lanes?.close();
    subscription.close();
    if (why === "slow") cut();
    ctx.log.debug({ why, user: actor.name, topics }, "events.closed");
  });
  const look = () => void endWhenRevoked(ctx, scoped, topics, stream.close);
  const unwatch = watchRights(ctx, actor.id, look);
  const send = (id: string, data: unknown, event = "message") => stream.send({ event, id, data: JSON.stringify(data) });
  // Reading the lists again is cheaper than a long replay, for the page as for us.
  const reset = subscription.reset || missed.length > maxReplay;
  const from = reset || missed.length === 0 ? subscription.lastId : lastEventId!;
  send(from, {}, reset ? "reset" : "ready");
  lanes = new EventLanes(from, send);
  if (!reset) for (const [id, event] of missed) scoped.take(id, event);
  ctx.signal.addEventListener("abort", stream.close, { once: true });
  return stream.body;
}

/** A database that does not answer ends no stream: it says nothing about the session. */
async function endWhenRevoked(ctx: Context, scoped: ScopedEvents, topics: string[], close: () => void): Promise<void> {
  const rights = await liveRights(ctx, scoped.actor).catch(() => "unknown" as const);
  if (rights === "unknown") return;
  if (!rights) return close();
  scoped.actor = { ...scoped.actor, ...rights };
  if (!mayFollow(scoped.actor, topics)) close(); // the permission was taken away: the next request says so
}
