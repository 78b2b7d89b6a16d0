// A user as administrators see one, and as the audit log keeps one. Called by the verbs of users.
import type { UserRecord } from "@opsconductor/contract/api/users";
import type { UserRow } from "./user-queries.ts";

export function presentUser(row: UserRow): UserRecord {
  return {
    id: row.id,
    username: row.username,
    displayName: row.displayName,
    email: row.email,
    phone: row.phone,
    jobTitle: row.jobTitle,
    roles: row.roles,
    grantCount: row.grants.length,
    active: row.active,
    hasPassword: row.passwordHash !== null,
    factors: row.factors,
    lastSignInAt: row.lastSignInAt?.toISOString() ?? null,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    revision: Number(row.revision),
  };
}

export function auditedUser({ displayName, email, phone, jobTitle, roles, active }: UserRow): Record<string, unknown> {
  return { displayName, email, phone, jobTitle, roles, active };
}

export const userObject = ({ id, username }: Pick<UserRow, "id" | "username">) => ({
  kind: "user",
  id,
  name: username,
});
