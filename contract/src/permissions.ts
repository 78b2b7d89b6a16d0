// The closed list of permission strings (`area:verb`) and the one table that says which of them every REST route
// needs. A route without an entry fails the build; `*` (administrators) holds all of them.

export const permissions = [
  "targets:read",
  "targets:write",
  "agents:read",
  "agents:enroll",
  "agents:write",
  "jobs:read",
  "jobs:write",
  "jobs:execute",
  "executions:read",
  "executions:cancel",
  "executions:abandon",
  "executions:prioritize",
  "approvals:decide",
  "users:read",
  "users:write",
  "roles:write",
  "tokens:own",
  "tokens:read",
  "tokens:write",
  "audit:read",
  "system:read",
  "system:write",
] as const;
export type Permission = (typeof permissions)[number];

/**
 * Those that a grant can bind to a part of the fleet, a job, or own executions. The others concern everybody, so a role
 * that holds them gives them over everything only.
 */
export const scopablePermissions = [
  "targets:read",
  "targets:write",
  "agents:read",
  "agents:write",
  "jobs:read",
  "jobs:write",
  "jobs:execute",
  "executions:read",
  "executions:cancel",
  "executions:abandon",
  "approvals:decide",
] as const satisfies readonly Permission[];

export interface BuiltInRole {
  name: string;
  description: string;
  permissions: readonly (Permission | "*")[];
}

const reading = ["targets:read", "agents:read", "jobs:read", "executions:read"] as const satisfies Permission[];
/** Of everybody whose role is built in: API tokens of their own, which can do no more than they do. */
const own = ["tokens:own"] as const satisfies Permission[];

/** The roles that every installation has; their permissions follow the program's version at each start. */
export const builtInRoles: readonly BuiltInRole[] = [
  { name: "admin", description: "May do everything", permissions: ["*"] },
  {
    name: "manager",
    description: "Runs the fleet and its people: everything but the system's own settings",
    permissions: permissions.filter((permission) => permission !== "system:write"),
  },
  {
    name: "operator",
    description: "Runs jobs, stops them and decides about lost work",
    permissions: [...reading, ...own, "jobs:execute", "executions:cancel", "executions:abandon"],
  },
  {
    name: "developer",
    description: "Writes jobs and targets, and runs them",
    permissions: [...reading, ...own, "targets:write", "jobs:write", "jobs:execute", "executions:cancel"],
  },
  { name: "viewer", description: "Sees everything that runs, and changes nothing", permissions: [...reading, ...own] },
];

/** What a route asks for: nothing, a signed-in caller, or a permission. */
export type Requirement = "public" | "token" | Permission;

/**
 * An act that a stolen session must not be enough for: besides the permission it needs a proof (password, code, passkey)
 * of the last minutes. Callers without a session (API tokens) are bound by their scopes instead.
 */
export interface Dangerous {
  needs: Requirement;
  stepUp: true;
}
const dangerous = (needs: Requirement): Dangerous => ({ needs, stepUp: true });

/** What a gRPC method asks for: a certificate of an agent (3443), or nothing but what it proves itself (3444). */
export type MethodRequirement = "agent" | "public";

/**
 * Every way in, in one table: routes by method and path as in OpenAPI, topics of the live stream (FOLLOW), gRPC methods
 * (CALL). What is not here does not start, an entry without its route, topic or method fails the test; the controller
 * reads nothing else.
 */
export const requirements: Readonly<Record<string, Requirement | Dangerous | MethodRequirement>> = {
  "GET /health": "public",
  "GET /health/live": "public",
  "GET /metrics": "system:read", // without a token from this machine itself
  "GET /openapi.json": "public",
  "GET /docs": "public",
  "GET /docs/{file}": "public",
  "GET /redoc": "public",
  "GET /redoc/{file}": "public",
  "GET /*": "public", // the console's files

  "POST /api/v1/auth/login": "public",
  "POST /api/v1/auth/login/code": "public", // the challenge of a right password is the first proof, the code the second
  "POST /api/v1/auth/passkey/options": "public",
  "POST /api/v1/auth/passkey": "public", // the signature of a registered passkey is the proof
  "POST /api/v1/auth/refresh": "public", // proves itself with the refresh cookie
  "POST /api/v1/auth/logout": "public", // the same: signing out works when the access token has expired
  "GET /api/v1/auth/me": "token",
  "PATCH /api/v1/auth/me": "token",
  "GET /api/v1/auth/preferences": "token",
  "PATCH /api/v1/auth/preferences": "token",
  "GET /api/v1/auth/sign-ins": "token", // the caller's own
  "POST /api/v1/auth/password": "token",
  "POST /api/v1/auth/password-link/check": "public", // whoever has the link may know whether it still works
  "POST /api/v1/auth/password-link": "public", // the link is the proof: one use, an hour or three days
  "GET /api/v1/auth/sessions": "token", // the caller's own
  "DELETE /api/v1/auth/sessions/{id}": "token",
  "POST /api/v1/auth/step-up/options": "token",
  "POST /api/v1/auth/step-up": "token",
  "GET /api/v1/auth/factors": "token", // the caller's own
  "POST /api/v1/auth/factors/totp": dangerous("token"),
  "POST /api/v1/auth/factors/totp/confirm": "token",
  "DELETE /api/v1/auth/factors/totp": dangerous("token"),
  "POST /api/v1/auth/factors/recovery-codes": dangerous("token"),
  "GET /api/v1/auth/passkeys": "token", // the caller's own
  "POST /api/v1/auth/passkeys/options": dangerous("token"),
  "POST /api/v1/auth/passkeys": "token",
  "PATCH /api/v1/auth/passkeys/{id}": "token",
  "DELETE /api/v1/auth/passkeys/{id}": dangerous("token"),

  "GET /api/v1/auth/options": "public", // for the sign-in page
  "GET /api/v1/auth/oidc/start": "public",
  "GET /api/v1/auth/oidc/callback": "public", // proves itself with state, code and the cookie of auth/oidc/start
  "GET /api/v1/auth/oidc/end": "public", // leads to the provider's page, which asks
  "POST /api/v1/auth/oidc/back-channel-logout": "public", // the provider's signature is the proof
  "POST /api/v1/auth/oidc/link": dangerous("token"),
  "GET /api/v1/auth/oidc/link": "token",
  "DELETE /api/v1/auth/oidc/link": dangerous("token"),

  "GET /api/v1/auth/tokens": "token",
  "POST /api/v1/auth/tokens": dangerous("tokens:own"),
  "DELETE /api/v1/auth/tokens/{id}": "token",

  "GET /api/v1/tokens": "tokens:read",
  "DELETE /api/v1/tokens/{id}": "tokens:write",
  "GET /api/v1/service-accounts": "tokens:read",
  "POST /api/v1/service-accounts": dangerous("tokens:write"),
  "GET /api/v1/service-accounts/{idOrName}": "tokens:read",
  "PATCH /api/v1/service-accounts/{idOrName}": dangerous("tokens:write"),
  "POST /api/v1/service-accounts/{idOrName}/tokens": dangerous("tokens:write"),

  "GET /api/v1/users": "users:read",
  "POST /api/v1/users": dangerous("users:write"),
  "GET /api/v1/users/{idOrName}": "users:read",
  "PATCH /api/v1/users/{idOrName}": dangerous("users:write"),
  "POST /api/v1/users/{idOrName}/password-link": dangerous("users:write"),
  "GET /api/v1/users/{idOrName}/sessions": "users:read",
  "DELETE /api/v1/users/{idOrName}/sessions/{id}": "users:write",
  "GET /api/v1/users/{idOrName}/sign-ins": "users:read",
  "DELETE /api/v1/users/{idOrName}/factors": dangerous("users:write"),
  "GET /api/v1/users/{idOrName}/sign-on": "users:read",
  "DELETE /api/v1/users/{idOrName}/sign-on": dangerous("users:write"),
  "GET /api/v1/roles": "users:read",
  "PUT /api/v1/roles/{name}/mfa": dangerous("users:write"),
  "POST /api/v1/roles": dangerous("roles:write"),
  "GET /api/v1/roles/{name}": "users:read",
  "PATCH /api/v1/roles/{name}": dangerous("roles:write"),
  "DELETE /api/v1/roles/{name}": dangerous("roles:write"),
  "GET /api/v1/users/{idOrName}/grants": "users:read",
  "POST /api/v1/users/{idOrName}/grants": dangerous("users:write"),
  "DELETE /api/v1/users/{idOrName}/grants/{id}": dangerous("users:write"),
  "GET /api/v1/access/explain": "token", // about others: users:read

  "GET /api/v1/targets": "targets:read",
  "POST /api/v1/targets": "targets:write",
  "GET /api/v1/targets/resolve": "targets:read",
  "GET /api/v1/targets/{idOrName}": "targets:read",
  "PATCH /api/v1/targets/{idOrName}": "targets:write",
  "PUT /api/v1/targets/{idOrName}/groups": "targets:write",
  "DELETE /api/v1/targets/{idOrName}": "targets:write",

  "GET /api/v1/groups": "targets:read",
  "POST /api/v1/groups": "targets:write",
  "GET /api/v1/groups/{idOrName}": "targets:read",
  "PATCH /api/v1/groups/{idOrName}": "targets:write",
  "DELETE /api/v1/groups/{idOrName}": "targets:write",
  "POST /api/v1/groups/{idOrName}/targets": "targets:write",

  "GET /install.sh": "public",
  "GET /ca.pem": "public", // believed only when its key fits the pin of a join token
  "GET /packages/{file}": "public",

  "GET /api/v1/enrollment-tokens": "agents:enroll",
  "POST /api/v1/enrollment-tokens": dangerous("agents:enroll"),
  "DELETE /api/v1/enrollment-tokens/{id}": "agents:enroll",
  "GET /api/v1/certificate-authority": "agents:read",
  "GET /api/v1/agents": "agents:read",
  "GET /api/v1/agents/{idOrName}": "agents:read",
  "PUT /api/v1/agents/{idOrName}/limit": "agents:write",
  "POST /api/v1/agents/{idOrName}/revoke": dangerous("agents:write"),
  "POST /api/v1/agents/{idOrName}/release": dangerous("agents:write"),

  "GET /api/v1/jobs": "jobs:read",
  "POST /api/v1/jobs": "jobs:write",
  "POST /api/v1/jobs/validate": "jobs:read",
  "POST /api/v1/jobs/check": "jobs:write",
  "GET /api/v1/jobs/{idOrName}": "jobs:read",
  "PUT /api/v1/jobs/{idOrName}": "jobs:write",
  "DELETE /api/v1/jobs/{idOrName}": "jobs:write",
  "GET /api/v1/jobs/{idOrName}/versions": "jobs:read",
  "GET /api/v1/jobs/{idOrName}/versions/{version}": "jobs:read",
  "GET /api/v1/jobs/{idOrName}/versions/{version}/definition": "jobs:read",
  "POST /api/v1/job-exports": "jobs:read",
  "POST /api/v1/job-imports": "jobs:write",
  "POST /api/v1/jobs/{idOrName}/plan": "jobs:execute",
  "POST /api/v1/jobs/{idOrName}/execute": "jobs:execute",

  "GET /api/v1/executions": "executions:read",
  "GET /api/v1/executions/{id}": "executions:read",
  "GET /api/v1/executions/{id}/assignments": "executions:read",
  "GET /api/v1/executions/{id}/steps": "executions:read",
  "GET /api/v1/executions/{id}/output": "executions:read",
  "GET /api/v1/executions/{id}/output.txt": "executions:read",
  "POST /api/v1/executions/{id}/output-ticket": "executions:read",
  "GET /api/v1/downloads/{ticket}": "public", // the ticket is the permission: one use, a minute
  "GET /api/v1/executions/{id}/timeline": "executions:read",
  "GET /api/v1/executions/{id}/output-groups": "executions:read",
  "GET /api/v1/executions/{id}/output-groups/{group}": "executions:read",
  "GET /api/v1/executions/{id}/compare": "executions:read", // and the one that it is compared with
  "GET /api/v1/executions/{id}/compare/targets": "executions:read",
  "POST /api/v1/executions/{id}/cancel": "executions:cancel",
  "POST /api/v1/executions/{id}/pause": "executions:cancel",
  "POST /api/v1/executions/{id}/resume": "executions:cancel",
  "POST /api/v1/executions/{id}/retry-failed": "jobs:execute",
  "POST /api/v1/executions/{id}/assignments/{assignmentId}/abandon": "executions:abandon",

  "GET /api/v1/approvals": "executions:read",
  "GET /api/v1/approvals/count": "executions:read",
  "GET /api/v1/approvals/{id}": "executions:read",
  "POST /api/v1/approvals/{id}/decide": "approvals:decide",

  // The paths of the original, for programs written against it.
  "POST /auth/login": "public",
  "POST /auth/refresh": "public",
  "POST /auth/logout": "public",
  "GET /targets": "targets:read",
  "POST /targets": "targets:write",
  "GET /targets/{id}": "targets:read",
  "DELETE /targets/{id}": "targets:write",
  "GET /jobs": "jobs:read",
  "GET /jobs/{id}": "jobs:read",
  "POST /jobs/{id}/execute": "jobs:execute",
  "GET /executions": "executions:read",
  "GET /executions/{id}": "executions:read",

  "GET /api/v1/audit": "audit:read",
  "GET /api/v1/audit/verify": "audit:read",
  "GET /api/v1/audit/export": "audit:read",
  "GET /api/v1/audit/forks": "audit:read",
  "POST /api/v1/audit/forks/{id}/settle": dangerous("system:write"),

  "GET /api/v1/overview": "executions:read",

  "GET /api/v1/events": "token", // each topic asks for its own permission
  "GET /api/v1/system": "system:read",
  "GET /api/v1/limits": "executions:read", // they say why something waits
  "PUT /api/v1/limits": dangerous("system:write"),
  "GET /api/v1/system/database": "token", // everybody's work waits while it is paused
  "POST /api/v1/system/database/accept": dangerous("system:write"),

  // Topics of the live stream; `executions:<id>` as `executions`. Within a scope only what is in it comes.
  "FOLLOW agents": "agents:read",
  "FOLLOW enrollment-tokens": "agents:enroll",
  "FOLLOW targets": "targets:read",
  "FOLLOW jobs": "jobs:read",
  "FOLLOW executions": "executions:read",
  "FOLLOW approvals": "executions:read",
  "FOLLOW audit": "audit:read",
  "FOLLOW me": "token", // nothing but what is about the caller

  "CALL /opsconductor.agent.v1.AgentService/Connect": "agent",
  "CALL /opsconductor.agent.v1.AgentService/PushOutput": "agent",
  "CALL /opsconductor.agent.v1.AgentService/RenewCertificate": "agent",
  "CALL /opsconductor.agent.v1.EnrollmentService/Enroll": "public", // a join token
  "CALL /opsconductor.agent.v1.EnrollmentService/Challenge": "public",
  "CALL /opsconductor.agent.v1.EnrollmentService/Reauthenticate": "public", // the identity key
};

function entriesOf<T>(kind: RegExp): Readonly<Record<string, T>> {
  const own = Object.entries(requirements).filter(([entry]) => kind.test(entry));
  return Object.fromEntries(own.map(([entry, value]) => [entry.replace(/^(FOLLOW|CALL) /, ""), value as T]));
}

export const routeRequirements = entriesOf<Requirement | Dangerous>(/^(GET|POST|PUT|PATCH|DELETE) /);
export const topicRequirements = entriesOf<Permission | "token">(/^FOLLOW /);
export const methodRequirements = entriesOf<MethodRequirement>(/^CALL /);

/** The entry of one route; undefined when it has none. */
export function requirementOf(route: string): { needs: Requirement; stepUp: boolean } | undefined {
  const entry = routeRequirements[route];
  return typeof entry === "string" ? { needs: entry, stepUp: false } : entry;
}

/** Routes that ask for a fresh proof when what is asked of them reaches far, with the reason. A test walks them. */
export const dangerousWhen: Readonly<Record<string, string>> = {
  "POST /api/v1/jobs/{idOrName}/execute": "more than OC_STEP_UP_TARGETS targets",
  "POST /jobs/{id}/execute": "more than OC_STEP_UP_TARGETS targets",
  "POST /api/v1/executions/{id}/retry-failed": "more than OC_STEP_UP_TARGETS targets",
  "POST /api/v1/approvals/{id}/decide": "approves an execution on more than OC_STEP_UP_TARGETS targets",
  "PUT /api/v1/targets/{idOrName}/groups": "one of the groups, or one above it, is in somebody's rights",
  "POST /api/v1/groups/{idOrName}/targets": "the group, or one above it, is in somebody's rights",
  "PATCH /api/v1/groups/{idOrName}": "the group moves out of or into one that is in somebody's rights",
  "DELETE /api/v1/groups/{idOrName}": "a group above it is in somebody's rights",
};

/**
 * What only a person at a session may do, whatever an API token holds: with these, whoever found a token would become its
 * owner, or lock the owner out. A test holds every route about passwords, sessions and second factors to this list.
 */
export const personalRoutes: ReadonlySet<string> = new Set([
  "POST /api/v1/auth/password",
  "PATCH /api/v1/auth/me",
  "GET /api/v1/auth/preferences",
  "PATCH /api/v1/auth/preferences",
  "GET /api/v1/auth/sign-ins",
  "POST /api/v1/auth/step-up/options",
  "POST /api/v1/auth/step-up",
  "GET /api/v1/auth/sessions",
  "DELETE /api/v1/auth/sessions/{id}",
  "POST /api/v1/auth/oidc/link",
  "GET /api/v1/auth/oidc/link",
  "DELETE /api/v1/auth/oidc/link",
  "GET /api/v1/auth/factors",
  "POST /api/v1/auth/factors/totp",
  "POST /api/v1/auth/factors/totp/confirm",
  "DELETE /api/v1/auth/factors/totp",
  "POST /api/v1/auth/factors/recovery-codes",
  "GET /api/v1/auth/passkeys",
  "POST /api/v1/auth/passkeys/options",
  "POST /api/v1/auth/passkeys",
  "PATCH /api/v1/auth/passkeys/{id}",
  "DELETE /api/v1/auth/passkeys/{id}",
  "DELETE /api/v1/users/{idOrName}/factors",
  "DELETE /api/v1/users/{idOrName}/sign-on",
  "PUT /api/v1/roles/{name}/mfa",
  "POST /api/v1/users/{idOrName}/password-link",
  "DELETE /api/v1/users/{idOrName}/sessions/{id}",
]);
