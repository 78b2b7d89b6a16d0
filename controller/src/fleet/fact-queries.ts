// Facts on the agent and on its own target; called by store-facts.ts.
import type { Query } from "../context.ts";
import { jsonb } from "../jsonb.ts";

export async function writeFacts(tx: Query, agentId: string, facts: Record<string, unknown>, now: Date): Promise<void> {
  const json = jsonb(tx, facts);
  await tx`
    with told as (
      update fleet.agents set facts = ${json}, facts_at = ${now} where id = ${agentId} returning id, own_target_id, facts)
    update assets.targets t set facts = told.facts, updated_at = ${now}
    from told where t.id = told.own_target_id and t.managed_by_agent_id = told.id and t.facts is distinct from told.facts`;
}
