// Second factors: one's own, and what administrators do about those of others.
import { request } from "./request.ts";
import { session } from "./session.svelte.ts";
import type { Ceremony, Factors, Passkey, RecoveryCodes, StepUpRequest, TotpSetup, User } from "./types.ts";

export const getFactors = (signal?: AbortSignal) => request<Factors>("GET", "auth/factors", { signal });
export const beginTotp = () => request<TotpSetup>("POST", "auth/factors/totp");
export const renewRecoveryCodes = () => request<RecoveryCodes>("POST", "auth/factors/recovery-codes");

export async function confirmTotp(code: string): Promise<RecoveryCodes> {
  const answer = await request<RecoveryCodes>("POST", "auth/factors/totp/confirm", { body: { code } });
  await readUserAgain();
  return answer;
}

export async function removeTotp(): Promise<void> {
  await request<void>("DELETE", "auth/factors/totp");
  await readUserAgain();
}

export const listPasskeys = (signal?: AbortSignal) => request<{ items: Passkey[] }>("GET", "auth/passkeys", { signal });

export const renamePasskey = (id: string, name: string) =>
  request<void>("PATCH", `auth/passkeys/${encodeURIComponent(id)}`, { body: { name } });

export async function removePasskey(id: string): Promise<void> {
  await request<void>("DELETE", `auth/passkeys/${encodeURIComponent(id)}`);
  await readUserAgain();
}

/** The fresh proof that a dangerous act asked for. */
export const stepUp = (body: StepUpRequest) => request<void>("POST", "auth/step-up", { body });
export const beginPasskeyProof = () => request<Ceremony>("POST", "auth/step-up/options");

/** What the account has, or must have, is other than the sign-in said. */
export async function readUserAgain(): Promise<void> {
  session.user = await request<User>("GET", "auth/me");
}

export const resetFactors = (user: string) => request<void>("DELETE", `users/${encodeURIComponent(user)}/factors`);
export const requireMfa = (role: string, required: boolean) =>
  request<void>("PUT", `roles/${encodeURIComponent(role)}/mfa`, { body: { required } });
