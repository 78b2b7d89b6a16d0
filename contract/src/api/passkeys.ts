// Passkeys (WebAuthn): registering, signing in. Options and answers are those of the browser's JSON forms.
import * as z from "zod";
import { id, instant, lineText, smallRecord } from "./common.ts";

const base64url = z
  .string()
  .regex(/^[A-Za-z0-9_-]+$/, "base64url")
  .max(2048);

/** What PublicKeyCredential.toJSON() gives, of a registration or a sign-in. */
export const credentialJson = z.object({
  id: base64url,
  rawId: base64url,
  type: z.literal("public-key"),
  response: smallRecord,
  clientExtensionResults: smallRecord,
  authenticatorAttachment: z.enum(["platform", "cross-platform"]).optional(),
});
export type CredentialJson = z.infer<typeof credentialJson>;

export const ceremony = z.object({
  ceremony: z.string().describe("goes back with the answer of the authenticator, within five minutes"),
  options: z.record(z.string(), z.unknown()).describe("for navigator.credentials"),
});
export type Ceremony = z.infer<typeof ceremony>;

export const passkeyLoginOptions = z.strictObject({
  challenge: z
    .string()
    .min(1)
    .max(128)
    .optional()
    .describe("proof.challenge of second_factor_required: the passkey is the second factor; without, it is both"),
});

const ceremonyToken = z.string().min(1).max(128);
export const passkeyProof = z.strictObject({ ceremony: ceremonyToken, credential: credentialJson });
export type PasskeyProof = z.infer<typeof passkeyProof>;

const passkeyName = lineText(64).refine((name) => name.trim() !== "", "must have a visible character");
export const newPasskey = z.strictObject({ ceremony: ceremonyToken, name: passkeyName, credential: credentialJson });
export const passkeyPatch = z.strictObject({ name: passkeyName });

export const passkey = z.object({
  id,
  name: z.string(),
  backedUp: z.boolean().describe("kept by a password manager or an account, not only by one device"),
  createdAt: instant,
  lastUsedAt: instant.nullable(),
});
export type Passkey = z.infer<typeof passkey>;

export const addedPasskey = passkey.extend({
  codes: z.array(z.string()).describe("recovery codes, shown once; empty unless this is the first factor"),
});
