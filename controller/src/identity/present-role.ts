// A role as the API shows it, and as the audit log keeps it. Called by the verbs of roles.
import type { Role } from "@opsconductor/contract/api/users";
import type { CountedRole, RoleRow } from "./role-queries.ts";

export function presentRole({ id: _, userCount, grantCount, ...row }: CountedRole): Role {
  return { ...row, userCount: Number(userCount), grantCount: Number(grantCount) };
}

export const auditedRole = ({ name, description, permissions }: RoleRow) => ({ name, description, permissions });
export const roleObject = ({ id, name }: RoleRow) => ({ kind: "role", id, name });
