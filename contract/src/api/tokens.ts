// API tokens, and the service accounts that have nothing else to sign in with.
import * as z from "zod";
import { permissions } from "../permissions.ts";
import { id, instant, lineText, listQuery, storableText } from "./common.ts";
import { roleName, userInput } from "./users.ts";

const scope = z.enum([...permissions, "*"]);

export const apiToken = z.object({
  id,
  name: z.string(),
  owner: z.object({ id, name: z.string(), kind: z.enum(["person", "service"]) }),
  scopes: z.array(z.string()).describe("what it may do at most; * is everything that its owner may"),
  ending: z.string().describe("the last signs before the checksum, to recognise a token that was found"),
  state: z.enum(["active", "expired", "revoked", "suspended"]).describe("suspended: its owner is not active"),
  createdAt: instant,
  createdBy: z.string().nullable().describe("who made it"),
  madeWith: id.nullable().describe("the token with which it was made; revoking that one revokes this one"),
  expiresAt: instant.nullable(),
  lastUsedAt: instant.nullable().describe("may be half a minute behind"),
  lastUsedAddress: z.string().nullable(),
  revokedAt: instant.nullable(),
});
export type ApiToken = z.infer<typeof apiToken>;

export const apiTokenInput = z.strictObject({
  name: lineText(100).refine((text) => text.trim() !== "", "must say what the token is for"),
  scopes: z
    .array(scope)
    .min(1)
    .max(100)
    .describe(
      "permissions that the owner has; at each request it has of them what the owner has then; * for all of them",
    ),
  expiresInDays: z
    .number()
    .int()
    .min(1)
    .nullable()
    .optional()
    .describe(
      "90 when not given, OC_TOKEN_MAX_DAYS (366) at most; null: never, where OC_TOKEN_NO_EXPIRY allows it to service accounts",
    ),
});
export type ApiTokenInput = z.output<typeof apiTokenInput>;

export const createdApiToken = apiToken.extend({
  token: z.string().describe("oct_…, shown this once: send it as Authorization: Bearer"),
});

export const apiTokenRules = z.object({
  defaultDays: z.number().int(),
  maxDays: z.number().int(),
  servicesMayNeverExpire: z.boolean(),
});
export type ApiTokenRules = z.infer<typeof apiTokenRules>;
export const ownTokens = z.object({ items: z.array(apiToken), rules: apiTokenRules });

export const apiTokenListQuery = listQuery.extend({
  owner: storableText(128).optional().describe("id or name of the account"),
  state: z.enum(["active", "ended"]).optional().describe("ended: expired, revoked or suspended"),
});

export const serviceAccount = z.object({
  id,
  name: z.string(),
  description: z.string(),
  roles: z.array(z.string()),
  permissions: z.array(z.string()).describe("what it may do on anything at all; '*': everything"),
  active: z.boolean().describe("false: its tokens are refused until it is active again"),
  tokenCount: z.number().int().describe("tokens that work, or would if it were active"),
  lastUsedAt: instant.nullable(),
  createdAt: instant,
  updatedAt: instant,
  revision: z.number().int(),
});
export type ServiceAccount = z.infer<typeof serviceAccount>;
export const serviceAccountPage = z.object({
  items: z.array(serviceAccount),
  nextCursor: z.string().optional(),
  rules: apiTokenRules,
});

const description = lineText(128).describe("what it is for; may be empty");
const roles = z.array(roleName).min(1).max(20);
export const serviceAccountInput = z.strictObject({
  name: userInput.shape.username,
  description: description.default(""),
  roles,
});
export const serviceAccountPatch = z.strictObject({ description, roles, active: z.boolean() }).partial();
