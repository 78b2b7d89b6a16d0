// The fleet: `agents`, `enrollment-tokens`, `certificate-authority`.
import * as z from "zod";
import { agentStates } from "../states.ts";
import { id, instant, labels, lineText, listQuery } from "./common.ts";

export const agent = z.object({
  id,
  name: z.string(),
  state: z.enum(agentStates),
  stateReason: z.string().nullable(),
  quarantine: z
    .object({
      kind: z.enum(["clone", "rollback", "certificate"]),
      at: instant,
      copies: z
        .array(z.object({ role: z.enum(["known", "newcomer"]), address: z.string(), seenAt: instant }))
        .describe("where the connection that was known came from, and the one that was noticed"),
    })
    .nullable()
    .describe("why it is in quarantine"),
  version: z.string().nullable(),
  platform: z.object({ os: z.string(), arch: z.string(), hostname: z.string(), osName: z.string() }).partial(),
  actions: z.array(z.string()),
  labels: z.record(z.string(), z.string()),
  facts: z.record(z.string(), z.unknown()),
  factsAt: instant.nullable(),
  vitals: z
    .object({
      load1: z.number(),
      cpuFraction: z.number(),
      memoryUsedBytes: z.number(),
      memoryTotalBytes: z.number(),
      runningAttempts: z.number(),
      spooledBytes: z.number(),
      clockOffsetMs: z.number().describe("the agent's clock less the controller's; about 0 when both are right"),
      degraded: z.string(),
    })
    .partial(),
  targetCount: z.number().int(),
  assignmentLimit: z.number().int().nullable().describe("assignments at once on it; null: as the settings say"),
  certificate: z.object({ serial: z.string(), notAfter: instant }).nullable(),
  fingerprint: z
    .string()
    .describe("of the identity key, in groups of digits; the host's `fingerprint` command shows the same"),
  remoteAddress: z.string().nullable(),
  enrolledAt: instant,
  connectedAt: instant.nullable(),
  lastSeenAt: instant.nullable(),
  revision: z.number().int(),
});
export type Agent = z.infer<typeof agent>;
/** One of them, for somebody. */
export const agentDetail = agent.extend({
  canWrite: z
    .boolean()
    .describe("the caller may change, release and revoke it: they reach all targets that it manages"),
});
export type AgentDetail = z.infer<typeof agentDetail>;
export const agentListQuery = listQuery.extend({ state: z.enum(agentStates).optional() });

export const revokeRequest = z.strictObject({ reason: lineText(500).min(1) });

export const enrollmentTokenInput = z.strictObject({
  expiresIn: z
    .string()
    .regex(/^\d+(s|m|h)$/, "a duration like 30m, at most 24h")
    .default("30m"),
  namePattern: lineText(128).min(1).optional().describe("glob, e.g. web-*"),
  labels: labels.default({}),
  cidr: z.string().max(64).optional(),
});
export const enrollmentToken = z.object({
  id: z.string(),
  state: z.enum(["waiting", "used", "expired", "revoked"]),
  namePattern: z.string().nullable(),
  labels: z.record(z.string(), z.string()),
  cidr: z.string().nullable(),
  createdAt: instant,
  createdByName: z.string().nullable(),
  expiresAt: instant,
  usedAt: instant.nullable(),
  usedByAgentId: id.nullable(),
  usedByAgentName: z.string().nullable(),
  refusedAt: instant.nullable(),
});
/** Shown once: `token` and the command that carries it. */
export const createdEnrollmentToken = enrollmentToken.extend({
  token: z.string(),
  command: z.string().describe("one line to paste on the host, as root"),
  installerSha256: z.string(),
});

export const certificateAuthority = z.object({
  clusterId: id,
  pin: z.string().describe("base64url sha256 of the SPKI of the authority that join tokens name"),
  authorities: z.array(
    z.object({
      id,
      kind: z.enum(["root", "issuing"]),
      state: z.string(),
      subject: z.string(),
      notAfter: instant,
      sha256: z.string(),
    }),
  ),
});
