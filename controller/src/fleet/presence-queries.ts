// Last signs of agents and the database's mark; called by presence.ts.
import type { Query } from "../context.ts";
import { jsonb } from "../jsonb.ts";
import type { Vitals } from "./fleet-link.ts";

export interface LastSign {
  agentId: string;
  /** Of the stream that it came by: one that was replaced meanwhile says nothing any more. */
  epoch: bigint;
  vitals: Vitals;
}

/** One statement for the whole fleet, once a minute: a row an agent and heartbeat would be the database's main work. */
export async function writeLastSigns(sql: Query, signs: readonly LastSign[], now: Date): Promise<void> {
  const plain = signs.map((s) => ({ ...s, epoch: String(s.epoch) }));
  await sql`
    update fleet.agents a set vitals = v.vitals, last_seen_at = ${now}
    from jsonb_to_recordset(${jsonb(sql, plain)}) as v("agentId" uuid, epoch bigint, vitals jsonb)
    join fleet.agent_sessions s on s.agent_id = v."agentId" and s.epoch = v.epoch
    where a.id = v."agentId"`;
}

export interface DatabaseMark {
  systemId: string;
  generation: number;
  position: bigint;
}

/** What this database is and how far it has come: an agent that has seen a higher mark tells of a restored backup. */
export async function readDatabaseMark(sql: Query): Promise<DatabaseMark> {
  const rows = await sql<DatabaseMark[]>`
    select (select system_identifier::text from pg_control_system()) as system_id,
      (select generation from fleet.cluster) as generation,
      pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')::bigint as position`;
  return rows[0]!;
}
