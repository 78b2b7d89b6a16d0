// Keys that all controllers of a cluster share, sealed in the database: made by whoever needs one first.
import { hkdfSync, randomBytes } from "node:crypto";
import type { Context } from "../context.ts";
import { insertSigningKey, lockSigningKeys, selectSigningKey } from "./signing-key-queries.ts";

type Store = Pick<Context, "sql" | "keys" | "newId">;
type Needs = Store & { config: Pick<Context["config"], "jwtSecretKey"> };
export type KeyPurpose = "access-token" | "audit-checkpoint";
const sealedAs = (id: string) => `identity.signing_keys/${id}`;

/** The key that signs access tokens: JWT_SECRET_KEY, or one of the cluster's own. */
export async function loadSigningKey(ctx: Needs): Promise<Uint8Array> {
  const given = ctx.config.jwtSecretKey;
  if (given) return new Uint8Array(hkdfSync("sha256", given, "", "opsconductor access-token v1", 32));
  return (await loadSharedKey(ctx, "access-token", () => randomBytes(32))).key;
}

/** The cluster's key for this purpose; `make` gives the bytes of the first one. */
export async function loadSharedKey(
  ctx: Store,
  purpose: KeyPurpose,
  make: () => Buffer,
): Promise<{ id: string; key: Buffer }> {
  return ctx.sql.begin(async (tx) => {
    await lockSigningKeys(tx);
    const held = await selectSigningKey(tx, purpose);
    if (held) return { id: held.id, key: ctx.keys.open(sealedAs(held.id), held.keySealed) };
    const id = ctx.newId();
    const key = make();
    await insertSigningKey(tx, { id, purpose, keySealed: ctx.keys.seal(sealedAs(id), key) });
    return { id, key };
  });
}
