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
  "users:read",
  "users:write",
  "audit:read",
  "system:read",
] as const;
export type Permission = (typeof permissions)[number];

/** What a route asks for: nothing, a signed-in caller, or a permission. */
export type Requirement = "public" | "token" | Permission;
