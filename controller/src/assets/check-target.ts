// What the schema of a target cannot say: one default service, an agent that exists, text that a database can store.
// Called before a target is written.
import { OcError } from "@opsconductor/contract/errors";
import type { Query } from "../context.ts";
import { unstorablePath } from "./storable-text.ts";
import { type ServiceRow, selectAgentForTarget } from "./target-queries.ts";

interface Input {
  services?: readonly ServiceRow[] | undefined;
  managedByAgentId?: string | null | undefined;
}

export async function checkTarget(sql: Query, input: Input): Promise<void> {
  const broken = unstorablePath(input);
  if (broken) refuse(broken, "has a NUL character or half of a surrogate pair; remove it");
  checkServices(input.services ?? []);
  if (!input.managedByAgentId) return;
  const agent = await selectAgentForTarget(sql, input.managedByAgentId);
  if (!agent) refuse("managedByAgentId", "there is no agent with this id");
  if (agent.status === "revoked") refuse("managedByAgentId", `the agent ${agent.name} is revoked; choose another`);
}

function checkServices(services: readonly ServiceRow[]): void {
  const seen = new Set<string>();
  services.forEach(({ type, port }, index) => {
    const key = `${type} ${port}`;
    if (seen.has(key)) refuse(`services.${index}`, `${type} on port ${port} is listed twice`);
    seen.add(key);
  });
  const second = services.findIndex((s, i) => s.default && services.findIndex((other) => other.default) !== i);
  if (second >= 0) refuse(`services.${second}.default`, "only one service can be the default");
}

function refuse(path: string, message: string): never {
  throw new OcError("invalid_argument", `${path}: ${message}`, { errors: [{ path, message }] });
}
