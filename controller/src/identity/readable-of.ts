// Which of these objects somebody may read. Called for live events, whose readers may be bound to a scope.
import type { Actor, Context } from "../context.ts";
import { selectReadable } from "./reach-queries.ts";
import type { VisibleKind } from "./visible-to.ts";

export type ReadableKind = Extract<VisibleKind, "agent" | "execution" | "assignment">;

export async function readableOf(
  ctx: Pick<Context, "sql">,
  actor: Actor,
  kind: ReadableKind,
  ids: readonly string[],
): Promise<Set<string>> {
  return new Set(await selectReadable(ctx.sql, actor, kind, ids));
}
