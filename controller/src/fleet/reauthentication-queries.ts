// Nonces and what an expired agent must fulfil; called by reauthenticate-agent.ts.
import type { Query } from "../context.ts";

export async function insertChallenge(sql: Query, nonce: Uint8Array, agentId: string, expiresAt: Date): Promise<void> {
  await sql`delete from fleet.challenges where expires_at < now()`;
  // An unknown id gets a nonce too, so that nobody learns which agents exist; it just is not kept.
  await sql`
    insert into fleet.challenges (nonce, agent_id, expires_at)
    select ${nonce}, id, ${expiresAt} from fleet.agents where id = ${agentId}`;
}

/** One use: whoever deletes the row may go on. */
export async function takeChallenge(tx: Query, nonce: Uint8Array, agentId: string, now: Date): Promise<boolean> {
  const rows = await tx`
    delete from fleet.challenges where nonce = ${nonce} and agent_id = ${agentId} and expires_at > ${now} returning 1`;
  return rows.length > 0;
}

export interface ReturningAgent {
  id: string;
  name: string;
  status: string;
  identityKey: Buffer;
  certificateNotAfter: Date | null;
  reauthentications: number;
}

export async function lockReturningAgent(tx: Query, id: string): Promise<ReturningAgent | undefined> {
  const rows = await tx<ReturningAgent[]>`
    select id, name, status, identity_key, certificate_not_after, reauthentications
    from fleet.agents where id = ${id} for update`;
  return rows[0];
}

export async function recordReauthentication(tx: Query, id: string, serial: string): Promise<void> {
  await tx`
    update fleet.agents set pending_serial = ${serial}, reauthentications = reauthentications + 1 where id = ${id}`;
}
