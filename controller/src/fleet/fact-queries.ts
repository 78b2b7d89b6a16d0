// Facts on the agent and on its own target; called by store-facts.ts.
import type { Query } from "../context.ts";
import { jsonb } from "../jsonb.ts";

export async function writeFacts(tx: Query, agentId: string, facts: Record<string, unknown>, now: Date): Promise<void> {
  const json = jsonb(tx, facts);
  await tx`
    with told as (
      update fleet.agents set facts = ${json}, facts_at = ${now} where id = ${agentId} returning id, own_target_id, facts),
    changed as (
      insert into assets.target_facts as f (target_id, facts)
      select t.id, told.facts from told
      join assets.targets t on t.id = told.own_target_id and t.managed_by_agent_id = told.id
      on conflict (target_id) do update set facts = excluded.facts where f.facts is distinct from excluded.facts
      returning target_id)
    update assets.targets t set updated_at = ${now} from changed where t.id = changed.target_id`;
}
