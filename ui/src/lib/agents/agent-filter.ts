// Filters the agents table in the browser: every word must be found in name, OS, version, address or a label. Pure.
import type { Agent } from "../api/types.ts";

export const agentStateFilters = ["all", "online", "offline", "never_connected", "quarantined", "revoked"] as const;

export function agentMatches(agent: Agent, text: string, state: string): boolean {
  if (state !== "all" && agent.state !== state) return false;
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const hay = haystackOf(agent);
  return words.every((word) => hay.includes(word));
}

const haystacks = new WeakMap<Agent, string>();

// Made once an agent object, because the filter runs over 5,000 rows at each key stroke.
function haystackOf(agent: Agent): string {
  const known = haystacks.get(agent);
  if (known !== undefined) return known;
  const labels = Object.entries(agent.labels).map(([key, value]) => `${key}=${value}`);
  const hay = [
    agent.name,
    agent.platform.osName,
    agent.platform.hostname,
    agent.version,
    agent.remoteAddress,
    ...labels,
  ]
    .filter(Boolean)
    .join("\n")
    .toLowerCase();
  haystacks.set(agent, hay);
  return hay;
}

/** How many agents are in each state: the figures on the filter's buttons. */
export function countStates(agents: readonly Agent[]): Record<string, number> {
  const counts: Record<string, number> = { all: agents.length };
  for (const agent of agents) counts[agent.state] = (counts[agent.state] ?? 0) + 1;
  return counts;
}

/** Share of memory in use, when both figures are known. */
export function memoryFraction(agent: Agent): number | undefined {
  const { memoryUsedBytes: used, memoryTotalBytes: total } = agent.vitals;
  return used === undefined || !total ? undefined : used / total;
}

/** The state to show: an online agent that reports a problem is degraded. */
export function shownState(agent: Agent): string {
  return agent.state === "online" && agent.vitals.degraded ? "degraded" : agent.state;
}
