// Second factors: authenticator apps, recovery codes, and the second step of a sign-in.
import * as z from "zod";
import { instant } from "./common.ts";

export const codeText = z.string().min(1).max(64).describe("six digits of the app, or a recovery code");

export const loginCodeRequest = z.strictObject({
  challenge: z.string().min(1).max(128).describe("proof.challenge of the answer second_factor_required"),
  code: codeText,
});

export const factors = z.object({
  totpSince: instant.nullable().describe("when the authenticator app was set up"),
  recoveryCodesLeft: z.number().int(),
});
export type Factors = z.infer<typeof factors>;

export const totpSetup = z.object({
  secret: z.string().describe("base 32, to type into an app"),
  uri: z.string().describe("otpauth:// for a QR code"),
});
export type TotpSetup = z.infer<typeof totpSetup>;

export const totpConfirmation = z.strictObject({ code: z.string().min(1).max(16) });

export const recoveryCodes = z.object({
  codes: z.array(z.string()).describe("shown once, each good once; empty when there are some already"),
});
export type RecoveryCodes = z.infer<typeof recoveryCodes>;

export const roleMfa = z.strictObject({ required: z.boolean() });
