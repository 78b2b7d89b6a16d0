// Requests of sign-on with an OpenID provider.
import { request } from "./request.ts";
import type { ExternalLink, SignInOptions } from "./types.ts";

export const readSignInOptions = (signal?: AbortSignal) =>
  request<SignInOptions>("GET", "auth/options", { anonymous: true, signal });
export const readOwnLink = (signal?: AbortSignal) =>
  request<{ link: ExternalLink | null }>("GET", "auth/oidc/link", { signal });
export const beginLink = () => request<{ url: string }>("POST", "auth/oidc/link");
export const removeLink = () => request<void>("DELETE", "auth/oidc/link");
const ofUser = (user: string) => `users/${encodeURIComponent(user)}/sign-on`;
export const readLinkOf = (user: string, signal?: AbortSignal) =>
  request<{ link: ExternalLink | null }>("GET", ofUser(user), { signal });
export const separateUser = (user: string) => request<void>("DELETE", ofUser(user));
/** A page of the controller, which sends the browser on: not one of the console. */
export const signOnPath = (next: string) => `/api/v1/auth/oidc/start?next=${encodeURIComponent(next)}`;
