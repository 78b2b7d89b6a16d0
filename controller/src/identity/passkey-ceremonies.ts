// Both halves of a WebAuthn ceremony: what the browser is asked, and the check of what its authenticator answered. Called
// by sign-in, by step-up, and by the registration of passkeys.
import type { Ceremony, CredentialJson, PasskeyProof } from "@opsconductor/contract/api/passkeys";
import { OcError } from "@opsconductor/contract/errors";
import {
  type AuthenticationResponseJSON,
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from "@simplewebauthn/server";
import type { Context, Query } from "../context.ts";
import { type ChallengeRow, deleteChallenge, lockChallenge } from "./challenge-queries.ts";
import { type ChallengePurpose, challengeHash, openChallenge } from "./challenges.ts";
import { lockPasskey, type PasskeyRow, selectPasskeys, updatePasskeyUse } from "./passkey-queries.ts";
import { relyingParty } from "./relying-party.ts";

/** Ed25519, ES256, RS256: what authenticators make. */
const algorithms = [-8, -7, -257];

interface Asking {
  purpose: Exclude<ChallengePurpose, "second-factor" | "passkey-add">;
  /** Whose passkeys; null: any that the authenticator finds. */
  userId: string | null;
  sessionId?: string | null;
  passwordStep?: Buffer;
  /** Without a password before it, the authenticator itself must have recognised the person. */
  verifiesUser: boolean;
}

export async function askForPasskey(ctx: Context, asking: Asking): Promise<Ceremony> {
  const held = asking.userId ? await selectPasskeys(ctx.sql, asking.userId) : [];
  const options = await generateAuthenticationOptions({
    rpID: relyingParty(ctx.config).id,
    allowCredentials: held.map(describe),
    userVerification: asking.verifiesUser ? "required" : "preferred",
  });
  const { purpose, userId, sessionId = null, passwordStep = null } = asking;
  const rest = { userId, sessionId, passwordStep, webauthnChallenge: options.challenge };
  const { token } = await openChallenge(ctx, ctx.sql, purpose, rest);
  return { ceremony: token, options: { ...options } };
}

/** Takes the ceremony, whatever comes of it: a second answer needs a second question. */
export async function takeCeremony(
  ctx: Context,
  tx: Query,
  token: string,
  purpose: ChallengePurpose,
): Promise<ChallengeRow & { webauthnChallenge: string }> {
  const row = await lockChallenge(tx, challengeHash(token), purpose, ctx.now());
  if (!row?.webauthnChallenge)
    throw new OcError("unauthenticated", "That took too long, or was answered before: begin again.");
  await deleteChallenge(tx, row.sha256);
  return { ...row, webauthnChallenge: row.webauthnChallenge };
}

export type PasskeyOutcome =
  | { passkey: PasskeyRow }
  | { refused: "unknown_passkey" | "wrong_passkey"; userId?: string };

/** A refusal is an answer, so that the ceremony that it used up stays used up. */
export async function checkPasskey(
  ctx: Context,
  tx: Query,
  { credential }: PasskeyProof,
  { asked, verifiesUser }: { asked: { webauthnChallenge: string; userId: string | null }; verifiesUser: boolean },
): Promise<PasskeyOutcome> {
  const passkey = await lockPasskey(tx, Buffer.from(credential.id, "base64url"));
  if (!passkey || (asked.userId && passkey.userId !== asked.userId)) return { refused: "unknown_passkey" };
  const use = await verifyUse(ctx, credential, passkey, { challenge: asked.webauthnChallenge, verifiesUser });
  if (!use) return { refused: "wrong_passkey", userId: passkey.userId };
  await updatePasskeyUse(tx, passkey.id, { ...use, at: ctx.now() });
  return { passkey };
}

/** The library throws for every kind of wrong answer, a counter that went back among them: a copy of the key was used. */
async function verifyUse(
  ctx: Context,
  credential: CredentialJson,
  passkey: PasskeyRow,
  { challenge, verifiesUser }: { challenge: string; verifiesUser: boolean },
): Promise<{ counter: bigint; backedUp: boolean } | undefined> {
  const { id, origin } = relyingParty(ctx.config);
  const key = { ...describe(passkey), publicKey: Uint8Array.from(passkey.publicKey), counter: Number(passkey.counter) };
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: credential as unknown as AuthenticationResponseJSON,
      expectedChallenge: challenge,
      expectedOrigin: origin,
      expectedRPID: id,
      credential: key,
      requireUserVerification: verifiesUser,
    });
    if (!verified) return undefined;
    return { counter: BigInt(authenticationInfo.newCounter), backedUp: authenticationInfo.credentialBackedUp };
  } catch (error) {
    ctx.log.warn({ reason: (error as Error).message, userId: passkey.userId }, "passkey.refused");
    return undefined;
  }
}

export async function askForNewPasskey(ctx: Context, user: { id: string; username: string; displayName: string }) {
  const options = await generateRegistrationOptions({
    rpName: "OpsConductor",
    rpID: relyingParty(ctx.config).id,
    userName: user.username,
    userDisplayName: user.displayName || user.username,
    userID: new TextEncoder().encode(user.id),
    supportedAlgorithmIDs: algorithms,
    excludeCredentials: (await selectPasskeys(ctx.sql, user.id)).map(describe),
    authenticatorSelection: { residentKey: "preferred", userVerification: "preferred" },
  });
  const rest = { userId: user.id, webauthnChallenge: options.challenge };
  const { token } = await openChallenge(ctx, ctx.sql, "passkey-add", rest);
  return { ceremony: token, options: { ...options } };
}

/** The new credential; undefined when the answer is not one to what was asked. */
export async function checkNewPasskey(
  ctx: Context,
  credential: CredentialJson,
  challenge: string,
): Promise<Pick<PasskeyRow, "credentialId" | "publicKey" | "counter" | "transports" | "backedUp"> | undefined> {
  const { id, origin } = relyingParty(ctx.config);
  try {
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: credential as unknown as RegistrationResponseJSON,
      expectedChallenge: challenge,
      expectedOrigin: origin,
      expectedRPID: id,
      supportedAlgorithmIDs: algorithms,
      requireUserVerification: false, // a plain security key is a good second factor
    });
    if (!verified) return undefined;
    const made = registrationInfo.credential;
    return {
      credentialId: Buffer.from(made.id, "base64url"),
      publicKey: Buffer.from(made.publicKey),
      counter: BigInt(made.counter),
      transports: (made.transports ?? []).slice(0, 8).map(String),
      backedUp: registrationInfo.credentialBackedUp,
    };
  } catch (error) {
    ctx.log.warn({ reason: (error as Error).message }, "passkey.registration_refused");
    return undefined;
  }
}

const describe = ({ credentialId, transports }: PasskeyRow) => ({
  id: credentialId.toString("base64url"),
  transports,
});
