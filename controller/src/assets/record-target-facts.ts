// Keeps a copy of an agent's facts on the target of its own host, so that a selector reads one table. Called in the
// transaction that stores the agent's report; the caller publishes after its commit.
import type { Query } from "../context.ts";
import { updateTargetFacts } from "./target-queries.ts";

/** `os` is the agent's platform (linux, darwin, win32). Answers the id of the target that changed. */
export async function recordTargetFacts(
  query: Query,
  agentId: string,
  facts: Record<string, unknown>,
  os: string | null,
): Promise<string | undefined> {
  return updateTargetFacts(query, agentId, facts, os);
}
