// A person's own account: profile, preferences, history of sign-ins (and that of others).
import { request } from "./request.ts";
import { session } from "./session.svelte.ts";
import type { Page, Preferences, ProfilePatch, SignInEntry, User } from "./types.ts";

export const getPreferences = () => request<Preferences>("GET", "auth/preferences");
export const savePreferences = (body: Preferences) => request<Preferences>("PATCH", "auth/preferences", { body });

export async function saveProfile(body: ProfilePatch): Promise<void> {
  session.user = await request<User>("PATCH", "auth/me", { body });
}

/** `user` undefined: the caller's own. */
export const listSignIns = (user: string | undefined, signal?: AbortSignal) =>
  request<Page<SignInEntry>>("GET", user ? `users/${encodeURIComponent(user)}/sign-ins` : "auth/sign-ins", { signal });
