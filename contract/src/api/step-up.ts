// A fresh proof for what a stolen session must not be enough for: POST auth/step-up.
import * as z from "zod";
import { codeText } from "./factors.ts";
import { passkeyProof } from "./passkeys.ts";

export const stepUpRequest = z
  .strictObject({
    password: z.string().min(1).max(1024).optional().describe("of accounts without a second factor"),
    code: codeText.optional(),
    passkey: passkeyProof.optional().describe("an answer to POST auth/step-up/options"),
  })
  .refine((proof) => Object.keys(proof).length === 1, "must be one of password, code and passkey");
export type StepUpRequest = z.infer<typeof stepUpRequest>;
