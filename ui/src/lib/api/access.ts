// Requests of roles, grants and the explainer.
import { request } from "./request.ts";
import type { ExplainQuery, Explanation, Grant, GrantInput, Role, RoleInput, RolePatch } from "./types.ts";

const role = (name: string) => `roles/${encodeURIComponent(name)}`;
const grants = (user: string, rest = "") => `users/${encodeURIComponent(user)}/grants${rest}`;

export const createRole = (body: RoleInput) => request<Role>("POST", "roles", { body });
export const updateRole = (name: string, body: RolePatch) => request<Role>("PATCH", role(name), { body });
export const deleteRole = (name: string, reassign: string | undefined) =>
  request<void>("DELETE", role(name), { query: { reassign } });

export const listGrants = (user: string, signal?: AbortSignal) =>
  request<{ items: Grant[] }>("GET", grants(user), { signal });
export const giveGrant = (user: string, body: GrantInput) => request<Grant>("POST", grants(user), { body });
export const takeGrant = (user: string, id: string) =>
  request<void>("DELETE", grants(user, `/${encodeURIComponent(id)}`));

export const explainAccess = (query: ExplainQuery, signal?: AbortSignal) =>
  request<Explanation>("GET", "access/explain", { query: { ...query }, signal });
