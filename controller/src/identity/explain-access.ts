// Why somebody may do something, or not: the same conditions that every query has, asked for one role or grant after
// the other. Called by GET access/explain.
import type { Explanation, explainQuery, Grant } from "@opsconductor/contract/api/grants";
import { OcError } from "@opsconductor/contract/errors";
import { type Permission, scopablePermissions } from "@opsconductor/contract/permissions";
import type { z } from "zod";
import { findTarget } from "../assets/get-target.ts";
import { findExecution } from "../automation/get-execution.ts";
import { findJob } from "../automation/get-job.ts";
import { type Actor, type ActorToken, type Context, systemActor } from "../context.ts";
import { getAgent } from "../fleet/get-agent.ts";
import { demandEverywhere } from "./demand-permission.ts";
import { findAccount } from "./find-user.ts";
import { selectGivers, selectRolesHolding } from "./giver-queries.ts";
import { selectGrants } from "./grant-queries.ts";
import { rightsOf } from "./grants.ts";
import { describeLocks } from "./locked-inputs.ts";
import { countReached, type ReachedKind } from "./reach-queries.ts";
import { selectRolesByName } from "./role-queries.ts";
import { presentGrant } from "./user-grants.ts";
import type { UserRow } from "./user-queries.ts";

type Params = z.infer<typeof explainQuery>;
type ExplainedObject = NonNullable<Explanation["object"]> & { kind: ReachedKind };
type Source = NonNullable<Explanation["decidedBy"]>;

/** Everybody may ask about themselves, about what they can see; about others who may see users. */
export async function explainAccess(ctx: Context, actor: Actor, params: Params): Promise<Explanation> {
  const isSelf = params.user === undefined || [actor.id, actor.name].includes(params.user);
  if (!isSelf) await demandEverywhere(ctx, actor, "users:read");
  const user = await findAccount(ctx.sql, isSelf ? actor.id! : params.user!);
  const object = await objectOf(ctx, user.id === actor.id ? actor : systemActor, params);
  const token = user.id === actor.id ? actor.token : undefined;
  if (token && !token.scopes.has("*") && !token.scopes.has(params.permission))
    return outOfScope(user, params.permission, object, token);
  const sources = await sourcesThatAllow(ctx, user, params.permission, object);
  // On nothing in particular a grant is a part: whoever needs all of it is told whom to ask.
  const isEnough = sources.some(({ kind }) => object !== null || kind === "role");
  const roles = isEnough ? [] : await selectRolesHolding(ctx.sql, params.permission);
  const givers = isEnough ? [] : await selectGivers(ctx.sql, params.permission, 5);
  return {
    ...{
      allowed: sources.length > 0 && user.active,
      user: user.username,
      permission: params.permission,
      object,
      roles,
      givers,
    },
    decidedBy: sources[0] ?? null,
    alsoBy: Math.max(0, sources.length - 1),
    sentence: `${sentenceOf(user, params.permission, object, sources, roles)}${token ? ` So it is for the API token ${token.name} too, whose scopes hold it.` : ""}`,
  };
}

/** What the token may do is asked, and no role or grant of its owner's widens that. */
function outOfScope(
  { username }: UserRow,
  permission: Permission,
  object: ExplainedObject | null,
  { name, scopes }: ActorToken,
): Explanation {
  const on = object ? ` on the ${object.kind} ${object.name}` : "";
  const sentence = `The API token ${name} of ${username} may not do ${permission}${on}: its scopes are only ${[...scopes].sort().join(", ")}. Use a token with that scope.`;
  const nobody = { roles: [], givers: [], decidedBy: null, alsoBy: 0 };
  return { allowed: false, user: username, permission, object, ...nobody, sentence };
}

async function objectOf(ctx: Context, reader: Actor, params: Params): Promise<ExplainedObject | null> {
  const { target, job, agent, execution } = params;
  if ([target, job, agent, execution].filter((each) => each !== undefined).length > 1)
    throw new OcError("invalid_argument", "Name one of target, job, agent and execution.");
  if (target !== undefined) return named("target", await findTarget(ctx.sql, reader, target));
  if (job !== undefined) return named("job", await findJob(ctx.sql, reader, job));
  if (agent !== undefined) return named("agent", await getAgent(ctx, reader, { idOrName: agent }));
  if (execution === undefined) return null;
  const { id, jobName, number } = await findExecution(ctx.sql, reader, execution);
  return { kind: "execution", id, name: `${jobName} #${number}` };
}

const named = (kind: ReachedKind, { id, name }: { id: string; name: string }): ExplainedObject => ({ kind, id, name });

async function sourcesThatAllow(
  ctx: Pick<Context, "sql">,
  user: UserRow,
  permission: Permission,
  object: ExplainedObject | null,
): Promise<Source[]> {
  const holds = (held: readonly string[]) => held.includes("*") || held.includes(permission);
  const roles = (await selectRolesByName(ctx.sql, user.roles)).filter((role) => holds(role.permissions));
  const allowing: Source[] = roles.map(({ name }) => ({ kind: "role", role: name }));
  for (const row of (await selectGrants(ctx.sql, user.id)).filter(({ permissions }) => holds(permissions))) {
    const alone: Actor = { ...systemActor, kind: "user", id: user.id, ...rightsOf([], [row]) };
    if (await allows(ctx, alone, permission, object)) allowing.push({ kind: "grant", grant: presentGrant(row) });
  }
  return allowing;
}

/** Without an object: whether there is anything on which it would be allowed. */
async function allows(
  ctx: Pick<Context, "sql">,
  alone: Actor,
  permission: Permission,
  object: ExplainedObject | null,
): Promise<boolean> {
  if (alone.permissions.has(permission)) return true;
  if (!(scopablePermissions as readonly string[]).includes(permission)) return false;
  if (!object) return true;
  return (await countReached(ctx.sql, alone, object.kind, permission, [object.id])) === 1;
}

function sentenceOf(
  { username, active }: UserRow,
  permission: Permission,
  object: ExplainedObject | null,
  [first, ...more]: readonly Source[],
  roles: readonly string[],
): string {
  const on = object ? ` on the ${object.kind} ${object.name}` : "";
  if (!active) return `${username} is not active and may do nothing.`;
  if (!first) {
    const would = roles.length === 0 ? "no role holds it" : `the roles ${roles.join(", ")} would allow it`;
    return `${username} may not do ${permission}${on}: no role and no grant of theirs reaches that far; ${would}.`;
  }
  const also = more.length === 0 ? "" : ` ${more.length} more would allow it too.`;
  return `${username} may do ${permission}${on}, because of ${describeSource(first)}.${also}`;
}

function describeSource(source: Source): string {
  if (source.kind === "role") return `the role ${source.role} over everything`;
  return `the role ${source.grant.role} ${describeScope(source.grant)}`;
}

function describeScope({ scope, ownExecutions, lockedInputs, createdByName }: Grant): string {
  const where = {
    everything: "over everything",
    group: `in the group ${scope.name} and those below it`,
    selector: `on the targets ${scope.name}`,
    job: `for the job ${scope.name}`,
  }[scope.kind];
  const only = Object.keys(lockedInputs).length > 0 ? `, jobs only with ${describeLocks(lockedInputs)}` : "";
  return `${where}${ownExecutions ? ", of executions their own" : ""}${only}${createdByName ? `, given by ${createdByName}` : ""}`;
}
