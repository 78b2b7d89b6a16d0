// Sign-in, sign-out and password change.
import { request } from "./request.ts";
import { session } from "./session.svelte.ts";
import type { LoginResponse, User } from "./types.ts";

export async function signIn(username: string, password: string): Promise<User> {
  const login = await request<LoginResponse>("POST", "auth/login", { body: { username, password }, anonymous: true });
  return acceptLogin(login);
}

/** The second step: `challenge` came with `second_factor_required`. */
export async function signInWithCode(challenge: string, code: string): Promise<User> {
  return acceptLogin(
    await request<LoginResponse>("POST", "auth/login/code", { body: { challenge, code }, anonymous: true }),
  );
}

/** Takes what a way to sign in has answered; the other tabs follow. */
export function acceptLogin(login: LoginResponse): User {
  session.tokens.accept(login);
  session.tellOthers(login.user);
  return login.user;
}

/**
 * Signs out here even when the controller cannot be told; the refresh cookie then lives until its own end. Who signed in
 * with a provider goes on to its page, which ends the session there.
 */
export async function signOut(): Promise<void> {
  let answer: { endSession: string } | undefined;
  try {
    answer = await request<{ endSession: string } | undefined>("POST", "auth/logout");
  } finally {
    session.signOut();
  }
  if (answer?.endSession.startsWith("/api/")) location.assign(answer.endSession);
}

/** Changes the password; the answer may carry a new session, else the user is read again. */
export async function changePassword(currentPassword: string, newPassword: string): Promise<void> {
  const answer = await request<Partial<LoginResponse> | undefined>("POST", "auth/password", {
    body: { currentPassword, newPassword },
  });
  if (answer?.accessToken && answer.user && answer.expiresIn !== undefined) {
    session.tokens.accept(answer as LoginResponse);
  } else session.user = await request<User>("GET", "auth/me");
  if (session.user) session.tellOthers(session.user);
}
