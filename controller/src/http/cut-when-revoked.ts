// Ends a request that goes on after its session, token or user has ended: a wait for an execution, a download. Streams of
// events look after themselves. Called by auth.ts for every route that is not public, and for downloads with a ticket.
import type { HttpBindings } from "@hono/node-server";
import type { Actor, Context } from "../context.ts";
import { type Bearer, liveRights } from "../identity/authenticate.ts";
import type { Http } from "./router.ts";
import { watchRights } from "./watch-rights.ts";

export function cutWhenRevoked(ctx: Context, c: Http, actor: Pick<Actor, "id" | "name" | "requestId"> & Bearer): void {
  const outgoing = (c.env as Partial<HttpBindings> | undefined)?.outgoing;
  if (!outgoing || actor.id === null) return;
  const unwatch = watchRights(ctx, actor.id, () => void look());
  outgoing.once("close", unwatch);
  const look = async () => {
    // A database that does not answer says nothing about the session.
    const rights = await liveRights(ctx, actor).catch(() => "unknown" as const);
    if (rights) return;
    ctx.log.info({ user: actor.name, requestId: actor.requestId }, "request.revoked");
    outgoing.destroy();
  };
}
