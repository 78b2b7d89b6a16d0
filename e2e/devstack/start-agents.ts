// Agents of more hosts, enrolled and connected. Called by stories whose jobs need several targets.
import type { Agent } from "@opsconductor/contract/api/agents";
import type { Api } from "./api.ts";
import type { Devstack } from "./devstack.ts";
import { ExtraAgent } from "./extra-agent.ts";
import { waitFor } from "./wait-for.ts";

/** Returns when all of them are connected; the caller stops them. */
export async function startAgents(stack: Devstack, api: Api, names: readonly string[]): Promise<ExtraAgent[]> {
  const agents = names.map((name) => new ExtraAgent(stack, name));
  for (const agent of agents) {
    const { token } = await api.post<{ token: string }>("/api/v1/enrollment-tokens", {});
    const { code, output } = agent.enroll(token);
    if (code !== 0) throw new Error(`${agent.name} was not enrolled: ${output}`);
    agent.start();
  }
  await waitFor(`${names.join(", ")} to be connected`, async () => {
    const { items } = await api.get<{ items: Agent[] }>("/api/v1/agents?state=online");
    return names.every((name) => items.some((agent) => agent.name === name));
  });
  return agents;
}
