// The join tokens, newest first; called by the REST route.
import type { Actor, Context } from "../context.ts";
import { decodeCursor, encodeCursor } from "../cursor.ts";
import { selectEnrollmentTokens } from "./enrollment-token-queries.ts";
import { type EnrollmentToken, presentEnrollmentToken } from "./present-enrollment-token.ts";

export async function listEnrollmentTokens(
  ctx: Context,
  _actor: Actor,
  params: { limit: number; cursor?: string | undefined },
): Promise<{ items: EnrollmentToken[]; nextCursor?: string }> {
  const before = params.cursor === undefined ? undefined : positionOf(decodeCursor(params.cursor, 2));
  const rows = await selectEnrollmentTokens(ctx.sql, { limit: params.limit + 1, before });
  const items = rows.slice(0, params.limit).map((row) => presentEnrollmentToken(row, ctx.now()));
  if (rows.length <= params.limit) return { items };
  const last = rows[params.limit - 1]!;
  return { items, nextCursor: encodeCursor([last.createdAt.toISOString(), last.id]) };
}

/** A date that is none sorts behind everything: a forged cursor gets an empty page. */
function positionOf([createdAt, id]: string[]): { createdAt: Date; id: string } {
  const at = new Date(createdAt!);
  return { createdAt: Number.isNaN(at.getTime()) ? new Date(0) : at, id: id! };
}
