// Whether every write that an agent's words caused held the fence: the row of the agent's session, of the epoch and the
// controller that are the newest. Pure; called by the fault tests that take sessions over.
import type { Violation } from "./evidence.ts";
import type { AgentWrite } from "./writes.ts";

export function checkFences(writes: readonly AgentWrite[]): Violation[] {
  const newest = new Map<string, bigint>();
  const violations: Violation[] = [];
  for (const write of writes) {
    const { agent, epoch, controller, writer, what } = write;
    const subject = `write ${write.id} (${what} of agent ${agent} at epoch ${epoch})`;
    const wrong = (words: string) => violations.push({ invariant: 5, subject, what: words });
    if (!write.fenced) wrong("did not lock the session's row");
    if (epoch === null || controller === null) wrong("happened while the agent had no session");
    else if (!writer.endsWith(controller)) wrong(`was made by ${writer}, and the session belongs to ${controller}`);
    if (epoch !== null && epoch < (newest.get(agent) ?? 0n)) wrong("happened after one of a newer epoch");
    if (epoch !== null && epoch > (newest.get(agent) ?? 0n)) newest.set(agent, epoch);
  }
  return violations;
}
