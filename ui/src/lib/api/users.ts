// Requests of users, their roles, sessions and password links.
import { request } from "./request.ts";
import type { CreatedUser, Page, PasswordLink, Role, UserInput, UserPatch, UserRecord, UserSession } from "./types.ts";

const one = (id: string, rest = "") => `users/${encodeURIComponent(id)}${rest}`;

export const listUsers = (signal?: AbortSignal) =>
  request<Page<UserRecord>>("GET", "users", { query: { limit: 1000 }, signal });
export const createUser = (body: UserInput) => request<CreatedUser>("POST", "users", { body });
export const updateUser = (id: string, revision: number | undefined, body: UserPatch) =>
  request<UserRecord>("PATCH", one(id), { body, revision });
export const makePasswordLink = (id: string) => request<PasswordLink>("POST", one(id, "/password-link"));
export const listRoles = (signal?: AbortSignal) => request<{ items: Role[] }>("GET", "roles", { signal });

/** `user` undefined: the caller's own. */
const sessionsOf = (user: string | undefined, rest = "") =>
  user ? one(user, `/sessions${rest}`) : `auth/sessions${rest}`;
export const listSessions = (user: string | undefined, signal?: AbortSignal) =>
  request<{ items: UserSession[] }>("GET", sessionsOf(user), { signal });
export const endSession = (user: string | undefined, id: string) =>
  request<void>("DELETE", sessionsOf(user, `/${encodeURIComponent(id)}`));

/** Throws `not_found` when the link was used, replaced or is too old. */
export const checkPasswordLink = (token: string, signal?: AbortSignal) =>
  request<{ kind: string }>("POST", "auth/password-link/check", { body: { token }, anonymous: true, signal });

/** Without signing in: the token is the proof. */
export const usePasswordLink = (token: string, newPassword: string) =>
  request<void>("POST", "auth/password-link", { body: { token, newPassword }, anonymous: true });
