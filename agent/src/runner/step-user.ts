// As whom a step runs: its own `runAs`, or the agent's user. Refused when the owner of the host does not allow it, or
// when this agent cannot become another user. Asked when an offer arrives and again at each start.
import { userInfo } from "node:os";
import type { PlannedStep, StagePlan } from "@opsconductor/contract/job/plan-stage";
import type { EventBody } from "../journal/journal.ts";
import { type Account, findAccount } from "../process/account.ts";
import type { HostContext } from "./host-context.ts";

/** The name of the user that this process has. */
export const ownUser = nameOfOwnUser();

/** A step that needs no change of its user. */
export function isOwnUser({ runAs }: Pick<PlannedStep, "runAs">): boolean {
  return runAs === undefined || runAs === ownUser;
}

export function refusedUsers(host: HostContext, plan: StagePlan): EventBody | undefined {
  for (const user of new Set(plan.steps.map((step) => step.runAs ?? ownUser))) {
    const reason = host.owner.refusalOf(user);
    if (reason !== undefined) return { kind: "denied", code: "policy", reason };
    if (!canBecome(user)) return { kind: "denied", code: "unsupported", reason: cannotBecome(user) };
  }
  return undefined;
}

export type FoundUser = { account: Account | undefined; problem: undefined } | { account: undefined; problem: string };

/** No account: the agent's own user runs it. */
export async function userOf(host: HostContext, step: PlannedStep): Promise<FoundUser> {
  const user = step.runAs ?? ownUser;
  const refusal = host.owner.refusalOf(user) ?? (canBecome(user) ? undefined : cannotBecome(user));
  if (refusal !== undefined) return { account: undefined, problem: refusal };
  if (isOwnUser(step)) return { account: undefined, problem: undefined };
  try {
    const account = await findAccount(user);
    if (account !== undefined) return { account, problem: undefined };
    return { account, problem: `there is no user ${user} on this host: make it, or correct runAs` };
  } catch (error) {
    const reason = (error as Error).message.split("\n")[0];
    return { account: undefined, problem: `this host could not tell who ${user} is: ${reason}` };
  }
}

function canBecome(user: string): boolean {
  return user === ownUser || process.getuid?.() === 0;
}

function cannotBecome(user: string): string {
  return `this agent runs as ${ownUser}, and only one that runs as root can run a step as ${user}: install it as root, or leave runAs out`;
}

function nameOfOwnUser(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? ""); // a number without a name, as in some containers
  }
}
