// The key that signs access tokens: JWT_SECRET_KEY, or one that all controllers share sealed in the database.
import { hkdfSync, randomBytes } from "node:crypto";
import type { Context } from "../context.ts";
import { insertSigningKey, lockSigningKeys, selectSigningKey } from "./signing-key-queries.ts";

type Needs = Pick<Context, "sql" | "keys" | "newId"> & { config: Pick<Context["config"], "jwtSecretKey"> };
const purpose = "access-token";
const sealedAs = (id: string) => `identity.signing_keys/${id}`;

export async function loadSigningKey(ctx: Needs): Promise<Uint8Array> {
  const given = ctx.config.jwtSecretKey;
  if (given) return new Uint8Array(hkdfSync("sha256", given, "", "opsconductor access-token v1", 32));
  return ctx.sql.begin(async (tx) => {
    await lockSigningKeys(tx);
    const held = await selectSigningKey(tx, purpose);
    if (held) return ctx.keys.open(sealedAs(held.id), held.keySealed);
    const id = ctx.newId();
    const key = randomBytes(32);
    await insertSigningKey(tx, { id, purpose, keySealed: ctx.keys.seal(sealedAs(id), key) });
    return key;
  });
}
