// The join tokens, newest first; called by the REST route.
import { OcError } from "@opsconductor/contract/errors";
import type { Actor, Context } from "../context.ts";
import { selectEnrollmentTokens } from "./enrollment-token-queries.ts";
import { type EnrollmentToken, presentEnrollmentToken } from "./present-enrollment-token.ts";

export async function listEnrollmentTokens(
  ctx: Context,
  _actor: Actor,
  params: { limit: number; cursor?: string | undefined },
): Promise<{ items: EnrollmentToken[]; nextCursor?: string }> {
  const before = params.cursor === undefined ? undefined : parseCursor(params.cursor);
  const rows = await selectEnrollmentTokens(ctx.sql, { limit: params.limit + 1, before });
  const items = rows.slice(0, params.limit).map((row) => presentEnrollmentToken(row, ctx.now()));
  if (rows.length <= params.limit) return { items };
  const last = rows[params.limit - 1]!;
  return { items, nextCursor: Buffer.from(`${last.createdAt.toISOString()} ${last.id}`).toString("base64url") };
}

function parseCursor(cursor: string): { createdAt: Date; id: string } {
  const [at, id] = Buffer.from(cursor, "base64url").toString().split(" ");
  const createdAt = new Date(at ?? "");
  if (id === undefined || Number.isNaN(createdAt.getTime()))
    throw new OcError("invalid_argument", "The cursor is not one of ours: start from the first page");
  return { createdAt, id };
}
