// When, from where and how somebody signed in, or tried to. Called by GET auth/sign-ins and GET users/{idOrName}/sign-ins.
import type { SignInEntry, signInQuery } from "@opsconductor/contract/api/account";
import type { z } from "zod";
import { readSignIns } from "../communication/sign-in-history.ts";
import type { Context } from "../context.ts";
import { decodeCursor, encodeCursor } from "../cursor.ts";
import { findUser } from "./find-user.ts";
import { selectUserAgents } from "./session-queries.ts";

export async function listSignIns(
  ctx: Pick<Context, "sql">,
  idOrName: string,
  { limit, cursor }: z.output<typeof signInQuery>,
): Promise<{ items: SignInEntry[]; nextCursor?: string }> {
  const user = await findUser(ctx.sql, idOrName);
  const before = cursor === undefined ? undefined : decodeCursor(cursor, 1)[0]!;
  const rows = await readSignIns(ctx, user.id, { before, limit: limit + 1 });
  const page = rows.slice(0, limit);
  const agents = await selectUserAgents(
    ctx.sql,
    page.flatMap(({ sessionId }) => sessionId ?? []),
  );
  const items = page.map((row): SignInEntry => {
    const detail = (row.detail ?? {}) as { why?: string; methods?: string[]; method?: string };
    return {
      ...{ id: row.id, at: row.at, address: row.address },
      action: row.action as SignInEntry["action"],
      outcome: row.outcome as SignInEntry["outcome"],
      why: detail.why ?? null,
      methods: detail.methods ?? (detail.method ? [detail.method] : []),
      userAgent: (row.sessionId && agents.get(row.sessionId)) || null,
    };
  });
  const last = page.at(-1);
  return rows.length <= limit || !last ? { items } : { items, nextCursor: encodeCursor([last.id]) };
}
