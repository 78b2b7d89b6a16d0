// SQL of the keys that the controllers of a cluster share, sealed.
import type { Query } from "../context.ts";

/** Two controllers that start on an empty database must agree on one key. */
export async function lockSigningKeys(sql: Query): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtext('identity.signing_keys'))`;
}

export async function selectSigningKey(
  sql: Query,
  purpose: string,
): Promise<{ id: string; keySealed: Buffer } | undefined> {
  const [row] = await sql<{ id: string; keySealed: Buffer }[]>`
    select id, key_sealed from identity.signing_keys
    where purpose = ${purpose} and retired_at is null order by created_at desc limit 1`;
  return row;
}

export async function insertSigningKey(
  sql: Query,
  key: { id: string; purpose: string; keySealed: Buffer },
): Promise<void> {
  await sql`insert into identity.signing_keys (id, purpose, key_sealed) values (${key.id}, ${key.purpose}, ${key.keySealed})`;
}
