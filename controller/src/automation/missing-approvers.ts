// Whether enough people exist who could approve an execution, told before it waits for them in vain, and with whom to ask.
// Called by plan-execution.ts, approvals.ts and get-execution.ts.
import { type Actor, type Query, systemActor } from "../context.ts";
import { grantsWith, mayEverywhere, rightsOf } from "../identity/grants.ts";
import { nameGivers } from "../identity/name-givers.ts";
import { reachesTargets } from "../identity/reaches-targets.ts";
import { type ApprovalRule, contentOf, selectApproval } from "./approval-queries.ts";
import {
  type Candidate,
  permissionsToDecide,
  selectApproverIds,
  selectCandidates,
  selectTargetIds,
} from "./approver-queries.ts";
import type { ExecutionRow } from "./execution-queries.ts";

interface Wanted {
  rule: ApprovalRule;
  requestedBy: string | null;
  jobId: string;
  /** Asked for only when somebody has the right to a part of the fleet. */
  targetIds: () => Promise<readonly string[]>;
  /** Who has approved already. */
  approvedBy?: readonly string[];
}

/** More people are not asked one by one. */
const maxCandidates = 500;

/** Null: enough people could. */
export async function missingApprovers(q: Query, wanted: Wanted): Promise<string | null> {
  const { rule, approvedBy = [] } = wanted;
  const missing = rule.required - approvedBy.length;
  const able: string[] = [];
  let targetIds: Promise<readonly string[]> | undefined;
  const reached = () => (targetIds ??= wanted.targetIds());
  for (const candidate of missing > 0 ? await selectCandidates(q, wanted, maxCandidates) : []) {
    if (approvedBy.includes(candidate.id) || !(await mayDecide(q, candidate, wanted, reached))) continue;
    able.push(candidate.username);
    if (able.length >= missing) break;
  }
  if (able.length >= missing) return null;
  return describeMissing({ rule, missing, able, givers: await nameGivers(q, "approvals:decide") });
}

/** Of an execution that waits; null for any other. */
export async function approvalProblem(q: Query, row: ExecutionRow) {
  const { id, state, jobId, requestedBy } = row;
  const approval = state === "awaiting_approval" ? await selectApproval(q, id) : undefined;
  if (!approval || approval.outcome !== null) return null;
  // Who agreed to what has changed since has to be asked again.
  const approvedBy = await selectApproverIds(q, id, (await contentOf(q, row, approval)).hash);
  const targetIds = () => selectTargetIds(q, id);
  return await missingApprovers(q, { rule: approval.rule, requestedBy, jobId, targetIds, approvedBy });
}

/** As demand-on.ts asks it of the assignments, before there are any. */
async function mayDecide(
  q: Query,
  { id, permissions, grants }: Candidate,
  { jobId, requestedBy }: Wanted,
  targetIds: () => Promise<readonly string[]>,
): Promise<boolean> {
  const actor: Actor = { ...systemActor, kind: "user", id, ...rightsOf(permissions, grants) };
  for (const permission of permissionsToDecide) {
    if (mayEverywhere(actor, permission)) continue;
    const held = grantsWith(actor, permission).filter((grant) => !grant.ownExecutions || requestedBy === id);
    if (held.some(({ scope }) => scope.kind === "everything" || (scope.kind === "job" && scope.jobId === jobId)))
      continue;
    const ids = held.length > 0 ? await targetIds() : [];
    if (ids.length === 0) return false;
    // Whoever may read the target may not yet decide there: what is asked is the permission itself.
    const within: Actor = { ...actor, grants: held };
    if (!(await reachesTargets(q, within, permission, ids))) return false;
  }
  return true;
}

interface Missing {
  rule: ApprovalRule;
  missing: number;
  able: readonly string[];
  givers: readonly string[];
}

export function describeMissing({ rule, missing, able, givers }: Missing): string {
  const people = missing === 1 ? "One person" : `${missing} people`;
  const who = able.length === 0 ? "nobody" : `only ${listed(able, "and")}`;
  const limits = [
    ...(rule.by ? [`The job lets only ${rule.by.join(", ")} decide.`] : []),
    ...(rule.notRequester ? ["Whoever asks does not count."] : []),
  ];
  const ask = givers.length > 0 ? listed(givers, "or") : "an administrator";
  return [
    `${people} must still approve this before it runs, and ${who} can.`,
    ...limits,
    `Ask ${ask} to let somebody else decide (approvals:decide, over all of its targets).`,
  ].join(" ");
}

const listed = (names: readonly string[], word: string) =>
  names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} ${word} ${names.at(-1)}`;
