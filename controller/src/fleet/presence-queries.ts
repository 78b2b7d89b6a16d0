// Last signs of agents; called by presence.ts.
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
