// SQL of passkeys.
import type { IdentityPasskeysRow } from "@opsconductor/database/rows";
import type { Query } from "../context.ts";

export type PasskeyRow = IdentityPasskeysRow;

export async function selectPasskeys(sql: Query, userId: string): Promise<PasskeyRow[]> {
  return sql<PasskeyRow[]>`select * from identity.passkeys where user_id = ${userId} order by created_at, id`;
}

/** Locked: its counter goes up once for each use. Of an active user. */
export async function lockPasskey(tx: Query, credentialId: Buffer): Promise<PasskeyRow | undefined> {
  const [row] = await tx<PasskeyRow[]>`
    select k.* from identity.passkeys k join identity.users u on u.id = k.user_id
    where k.credential_id = ${credentialId} and u.active for update of k`;
  return row;
}

/** False when this credential is registered already, by whomever. */
export async function insertPasskey(tx: Query, k: PasskeyRow): Promise<boolean> {
  const { count } = await tx`
    insert into identity.passkeys (id, user_id, credential_id, public_key, counter, transports, backed_up, name, created_at)
    values (${k.id}, ${k.userId}, ${k.credentialId}, ${k.publicKey}, ${k.counter}, ${k.transports}, ${k.backedUp},
      ${k.name}, ${k.createdAt})
    on conflict (credential_id) do nothing`;
  return count > 0;
}

export async function updatePasskeyUse(
  tx: Query,
  id: string,
  use: { counter: bigint; backedUp: boolean; at: Date },
): Promise<void> {
  await tx`update identity.passkeys set counter = ${use.counter}, backed_up = ${use.backedUp}, last_used_at = ${use.at}
    where id = ${id}`;
}

/** The name before; undefined when the user has no such passkey. */
export async function renamePasskey(tx: Query, userId: string, id: string, name: string): Promise<string | undefined> {
  const [row] = await tx<{ name: string }[]>`
    select name from identity.passkeys where id = ${id} and user_id = ${userId} for update`;
  if (row) await tx`update identity.passkeys set name = ${name} where id = ${id}`;
  return row?.name;
}

export async function deletePasskey(tx: Query, userId: string, id: string): Promise<string | undefined> {
  const [row] = await tx<{ name: string }[]>`
    delete from identity.passkeys where id = ${id} and user_id = ${userId} returning name`;
  return row?.name;
}
