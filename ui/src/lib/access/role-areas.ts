// The permissions by their area, in the order of the contract, for the matrix and the form of roles. Pure.
import { type Permission, permissions } from "@opsconductor/contract/permissions";

export interface PermissionArea {
  area: string;
  permissions: Permission[];
}

export const permissionAreas: readonly PermissionArea[] = [
  ...Map.groupBy(permissions, (permission) => permission.split(":")[0]!),
].map(([area, held]) => ({ area, permissions: held }));

export const holds = (held: readonly string[], permission: string): boolean =>
  held.includes("*") || held.includes(permission);
