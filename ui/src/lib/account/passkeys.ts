// The browser's half of passkeys: registering one, signing in with one. Comes with the pages that use it.

import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from "@simplewebauthn/browser";
import {
  browserSupportsWebAuthnAutofill,
  startAuthentication,
  startRegistration,
  WebAuthnAbortService,
  WebAuthnError,
} from "@simplewebauthn/browser";
import { acceptLogin } from "../api/auth.ts";
import { readUserAgain } from "../api/factors.ts";
import { request } from "../api/request.ts";
import type { AddedPasskey, Ceremony, LoginResponse, PasskeyProof, User } from "../api/types.ts";
import { security } from "../messages/areas/security.ts";

/** What a person is told when no passkey came of it. */
export class PasskeyProblem extends Error {
  override readonly name = "PasskeyProblem";
}

export async function signInWithPasskey(challenge?: string): Promise<User> {
  const ceremony = await request<Ceremony>("POST", "auth/passkey/options", { body: { challenge }, anonymous: true });
  const body = await answer(ceremony);
  return acceptLogin(await request<LoginResponse>("POST", "auth/passkey", { body, anonymous: true }));
}

/** The controller forgets its question after five minutes; the page may stay open longer. */
const offerMs = 4 * 60_000;

/**
 * Lets the browser offer passkeys where the user name is typed (conditional mediation), until somebody has chosen one or
 * the signal ends it. Undefined where the browser cannot, or was asked for something else: the button and the password
 * are still there, so nobody is told. Throws when the controller refuses the one that was chosen.
 */
export async function signInFromAutofill(signal: AbortSignal): Promise<User | undefined> {
  if (!(await browserSupportsWebAuthnAutofill())) return undefined;
  while (!signal.aborted) {
    const offered = await offer(signal).catch(() => undefined);
    if (offered === undefined) return undefined;
    if (offered === "renew") continue;
    return acceptLogin(await request<LoginResponse>("POST", "auth/passkey", { body: offered, anonymous: true }));
  }
  return undefined;
}

async function offer(signal: AbortSignal): Promise<PasskeyProof | "renew"> {
  const asked = await request<Ceremony>("POST", "auth/passkey/options", { body: {}, anonymous: true, signal });
  const optionsJSON = asked.options as unknown as PublicKeyCredentialRequestOptionsJSON;
  refuseOtherHost(optionsJSON.rpId);
  signal.throwIfAborted();
  let isOld = false;
  const stop = () => WebAuthnAbortService.cancelCeremony();
  const timer = setTimeout(() => {
    isOld = true;
    stop();
  }, offerMs);
  signal.addEventListener("abort", stop, { once: true });
  try {
    const credential = await startAuthentication({ optionsJSON, useBrowserAutofill: true });
    return { ceremony: asked.ceremony, credential: credential as unknown as PasskeyProof["credential"] };
  } catch (error) {
    if (isOld) return "renew";
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}

/** Lets the authenticator answer a question of the controller. */
export async function answer({ ceremony, options }: Ceremony): Promise<PasskeyProof> {
  const optionsJSON = options as unknown as PublicKeyCredentialRequestOptionsJSON;
  refuseOtherHost(optionsJSON.rpId);
  const credential = await startAuthentication({ optionsJSON }).catch(explain);
  return { ceremony, credential: credential as unknown as PasskeyProof["credential"] };
}

export async function addPasskey(name: string): Promise<AddedPasskey> {
  const { ceremony, options } = await request<Ceremony>("POST", "auth/passkeys/options");
  const optionsJSON = options as unknown as PublicKeyCredentialCreationOptionsJSON;
  refuseOtherHost(optionsJSON.rp.id);
  const credential = await startRegistration({ optionsJSON }).catch(explain);
  const added = await request<AddedPasskey>("POST", "auth/passkeys", { body: { ceremony, name, credential } });
  await readUserAgain();
  return added;
}

/** The browser's own words for this are of no help. */
function refuseOtherHost(rpId: string | undefined): void {
  const { hostname, port, protocol } = location;
  if (!rpId || hostname === rpId || hostname.endsWith(`.${rpId}`)) return;
  throw new PasskeyProblem(security.passkeys.otherHost(`${protocol}//${rpId}${port ? `:${port}` : ""}`));
}

function explain(cause: unknown): never {
  const words = security.passkeys;
  const known = cause instanceof WebAuthnError ? cause.code : "";
  if (known === "ERROR_AUTHENTICATOR_PREVIOUSLY_REGISTERED") throw new PasskeyProblem(words.alreadyThere, { cause });
  if (known === "ERROR_INVALID_DOMAIN" || known === "ERROR_INVALID_RP_ID")
    throw new PasskeyProblem(words.notSecure, { cause });
  throw new PasskeyProblem(words.noAnswer, { cause });
}
