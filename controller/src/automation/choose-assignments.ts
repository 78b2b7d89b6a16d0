// What each resolved target begins as: queued, left out, failed at once, or the whole execution refused. Pure; called by
// create-execution.ts.
import { OcError } from "@opsconductor/contract/errors";
import type { TargetPlan } from "@opsconductor/contract/job/plan-stage";
import type { AgentState, AssignmentState } from "@opsconductor/contract/states";

export interface ResolvedTarget {
  id: string;
  name: string;
  agentId: string | null;
  agentState: AgentState | null;
}

export interface ChosenAssignment {
  targetId: string;
  targetName: string;
  agentId: string | null;
  state: Extract<AssignmentState, "queued" | "skipped" | "expired">;
  stateReason: string | null;
  /** Its agent is connected now. */
  isOnline: boolean;
}

const maxNamed = 10;

/** Throws failed_precondition with a message that says what to do. */
export function chooseAssignments(
  targets: readonly ResolvedTarget[],
  plan: Pick<TargetPlan, "max" | "offline">,
  wanted: string,
): ChosenAssignment[] {
  refuseImpossible(targets, plan.max, wanted);
  return targets.map(({ id, name, agentId, agentState }) => {
    const waits = plan.offline === "queue" || agentState === "online";
    const state = waits ? "queued" : plan.offline === "skip" ? "skipped" : "expired";
    const stateReason = waits
      ? null
      : `its agent is ${agentState === "never_connected" ? "not connected yet" : agentState}, and the job says offline: ${plan.offline}`;
    return { targetId: id, targetName: name, agentId, state, stateReason, isOnline: agentState === "online" };
  });
}

function refuseImpossible(targets: readonly ResolvedTarget[], max: number | undefined, wanted: string): void {
  if (targets.length === 0)
    throw new OcError("failed_precondition", `${wanted} matches no target: check labels and names under Targets.`);
  if (max !== undefined && targets.length > max)
    throw new OcError(
      "failed_precondition",
      `${wanted} matches ${targets.length} targets, and the job allows ${max} (targets.max): choose fewer or raise it.`,
    );
  const orphans = targets.filter((t) => t.agentId === null || t.agentState === "revoked");
  if (orphans.length === 0) return;
  const names = orphans.slice(0, maxNamed).map((t) => t.name);
  const more = orphans.length > maxNamed ? ` and ${orphans.length - maxNamed} more` : "";
  throw new OcError(
    "failed_precondition",
    `No agent manages ${names.join(", ")}${more}: add an agent on the host or let another agent manage it, or leave it out.`,
  );
}
