// People: users, their roles and sessions, and the links with which they set a password.
import * as z from "zod";
import { id, instant, lineText, listQuery } from "./common.ts";

export const roleName = z.string().min(1).max(64);
const displayName = lineText(128).describe("how people call them; may be empty");
const email = z.email().max(254).nullable();

export const userRecord = z.object({
  id,
  username: z.string(),
  displayName: z.string(),
  email: z.string().nullable(),
  phone: z.string(),
  jobTitle: z.string(),
  roles: z.array(z.string()).describe("over everything"),
  grantCount: z.number().int().describe("roles within a scope"),
  active: z.boolean().describe("false: cannot sign in, sessions have ended"),
  hasPassword: z.boolean().describe("false until the invitation was used"),
  factors: z.array(z.string()).describe("second factors: totp, passkey"),
  lastSignInAt: instant.nullable(),
  createdAt: instant,
  updatedAt: instant,
  revision: z.number().int(),
});
export type UserRecord = z.infer<typeof userRecord>;

export const userListQuery = listQuery.extend({ active: z.enum(["true", "false"]).optional() });

const isLikeAnId = (text: string) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);

export const userInput = z.strictObject({
  username: z
    .string()
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/,
      "letters, digits and . _ @ -, starts with a letter or digit, at most 64",
    )
    .refine((text) => !isLikeAnId(text), "must not be written like an id: where both may stand, ids are looked for"),
  displayName: displayName.default(""),
  email: email.default(null),
  roles: z.array(roleName).max(20).describe("over everything; with none, grants say what they may do"),
});
export const userPatch = z
  .strictObject({
    displayName,
    email,
    phone: lineText(64),
    jobTitle: lineText(128),
    roles: z.array(roleName).max(20),
    active: z.boolean(),
  })
  .partial();

export const passwordLink = z.object({
  token: z.string().describe("shown once; the console's page /password?token=… takes it"),
  kind: z.enum(["invitation", "reset"]),
  expiresAt: instant,
});
export type PasswordLink = z.infer<typeof passwordLink>;
export const createdUser = userRecord.extend({ link: passwordLink });

export const passwordLinkRequest = z.strictObject({
  token: z.string().min(1).max(128),
  newPassword: z.string().min(12).max(1024),
});

export const passwordLinkCheck = passwordLinkRequest.pick({ token: true });
export const goodPasswordLink = passwordLink.pick({ kind: true });

export const userSession = z.object({
  id,
  createdAt: instant,
  lastUsedAt: instant,
  expiresAt: instant,
  address: z.string().nullable(),
  userAgent: z.string().nullable(),
  current: z.boolean().describe("the session that asks"),
});
export type UserSession = z.infer<typeof userSession>;

export const role = z.object({
  name: z.string(),
  description: z.string(),
  permissions: z.array(z.string()),
  builtIn: z.boolean(),
  mfaRequired: z.boolean().describe("who has it must have a second factor"),
  userCount: z.number().int().describe("active users who have it over everything"),
  grantCount: z.number().int().describe("grants of it within a scope"),
});
export type Role = z.infer<typeof role>;
