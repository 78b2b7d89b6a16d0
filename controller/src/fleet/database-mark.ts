// The mark that agents keep: what this database is and how far it had come. It is sealed, so that an agent can repeat one
// and cannot make one: a single dishonest host must not be able to stop the work of all. Read by presence and with every
// forget; judged at every hello.
import { timingSafeEqual } from "node:crypto";
import type { Context, Query } from "../context.ts";
import { type HeardMark, reasonForBeingOlder } from "./judge-mark-state.ts";
import { type DatabasePlace, insertLife, selectLife, selectPlace } from "./mark-queries.ts";

export interface DatabaseMark extends HeardMark {
  seal: Uint8Array;
}

type Needs = Pick<Context, "sql" | "keys" | "now" | "newId">;

/** As it is now. The first look after a start of PostgreSQL writes it down; until then nothing is offered. */
export async function readMark(ctx: Needs): Promise<DatabaseMark> {
  const { life, ...place } = await currentPlace(ctx);
  const mark = { systemId: place.systemId, generation: place.generation, position: place.position, life };
  return { ...mark, seal: sealOf(ctx, mark) };
}

export async function currentPlace(ctx: Needs): Promise<DatabasePlace & { life: string; lifeRegisteredAt: Date }> {
  for (;;) {
    const place = await selectPlace(ctx.sql);
    if (place.life !== null && place.lifeRegisteredAt !== null)
      return { ...place, life: place.life, lifeRegisteredAt: place.lifeRegisteredAt };
    await ctx.sql.begin((tx) => insertLife(tx, ctx.newId(), ctx.now()));
  }
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Why this database must be older than the agent's last word of it; undefined when it is not, or nobody can tell. */
export async function judgeMark(
  ctx: Needs,
  tx: Query,
  heard: DatabaseMark | undefined,
): Promise<{ older: string | undefined; place: DatabasePlace } | undefined> {
  if (!heard || !isOurs(ctx, heard)) return undefined;
  const place = await selectPlace(tx);
  if (place.life === null) return undefined; // presence has not looked yet, and nothing is offered before it did
  const heardLife = uuid.test(heard.life) ? await selectLife(tx, heard.life) : undefined;
  return { older: reasonForBeingOlder(heard, { ...place, life: place.life, heardLife }), place };
}

function sealOf({ keys }: Pick<Context, "keys">, { systemId, generation, position, life }: HeardMark): Buffer {
  return keys.sign("database mark", [systemId, generation, position, life].join("\0"));
}

function isOurs(ctx: Pick<Context, "keys">, heard: DatabaseMark): boolean {
  const seal = sealOf(ctx, heard);
  return heard.seal.length === seal.length && timingSafeEqual(seal, Buffer.from(heard.seal));
}
