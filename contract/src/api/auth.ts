// Sign-in: POST auth/login, refresh, logout, password; GET auth/me.
import * as z from "zod";
import { id, instant } from "./common.ts";

export const user = z.object({
  id,
  username: z.string(),
  displayName: z.string(),
  email: z.string().nullable(),
  phone: z.string(),
  jobTitle: z.string(),
  roles: z.array(z.string()),
  permissions: z.array(z.string()).describe("what they may do on anything at all"),
  everywhere: z.array(z.string()).describe("of these, what they may do over everything; '*': all"),
  mustChangePassword: z.boolean(),
  mustSetUpFactor: z.boolean().describe("a role needs a second factor and there is none"),
  factors: z.array(z.string()).describe("totp, passkey"),
  lastSignInAt: instant.nullable(),
});
export type User = z.infer<typeof user>;

export const loginRequest = z.strictObject({
  username: z.string().min(1).max(128),
  password: z.string().min(1).max(1024),
  otp: z.string().max(64).optional().describe("the second factor's code, for programs; the console asks afterwards"),
});
/** The refresh token travels in an HttpOnly cookie and never in a body. */
export const loginResponse = z.object({
  accessToken: z.string(),
  expiresIn: z.number().int().describe("seconds"),
  user,
});
export const passwordRequest = z.strictObject({
  currentPassword: z.string().min(1).max(1024),
  newPassword: z.string().min(12).max(1024),
});
