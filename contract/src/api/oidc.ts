// Sign-on with an OpenID provider: what the sign-in page offers, and which account there is connected.
import * as z from "zod";
import { instant } from "./common.ts";

export const signInOptions = z.object({
  provider: z
    .object({ name: z.string(), available: z.boolean().describe("false: it cannot be reached at the moment") })
    .nullable()
    .describe("null: there are local accounts only"),
});
export type SignInOptions = z.infer<typeof signInOptions>;

export const externalLink = z.object({
  issuer: z.string(),
  name: z.string().describe("as the provider calls the person"),
  linkedAt: instant,
  lastSignInAt: instant.nullable(),
});
export type ExternalLink = z.infer<typeof externalLink>;
export const ownLink = z.object({ link: externalLink.nullable() });

export const linkStart = z.object({ url: z.string().describe("where the browser goes on, within ten minutes") });
/** OpenID Connect Back-Channel Logout 1.0, 2.5; providers may add parameters of their own. */
export const backChannelLogout = z.looseObject({ logout_token: z.string().min(1).max(16_384) });

export const signedOut = z.object({
  endSession: z.string().describe("page that ends the session at the provider, too"),
});
