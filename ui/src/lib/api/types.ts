// The REST shapes as types, inferred from the contract's schemas; imported as types only, so no schema is shipped.

import type { preferences, profilePatch, signInEntry } from "@opsconductor/contract/api/account";
import type {
  agent,
  agentDetail,
  certificateAuthority,
  createdEnrollmentToken,
  enrollmentToken,
} from "@opsconductor/contract/api/agents";
import type { approval, approvalDetail } from "@opsconductor/contract/api/approvals";
import type {
  auditEntry,
  auditFilter,
  auditFork,
  auditForks,
  auditVerification,
} from "@opsconductor/contract/api/audit";
import type { loginResponse, user } from "@opsconductor/contract/api/auth";
import type { problem } from "@opsconductor/contract/api/common";
import type {
  comparedStep,
  comparedTarget,
  comparison,
  outputGroup,
  outputGroupPage,
  outputGroupTarget,
} from "@opsconductor/contract/api/compare";
import type { liveEvent } from "@opsconductor/contract/api/events";
import type {
  assignment,
  execution,
  executionDetail,
  outputLines,
  outputTicket,
  step,
  timelineEntry,
} from "@opsconductor/contract/api/executions";
import type { factors, recoveryCodes, totpSetup } from "@opsconductor/contract/api/factors";
import type {
  explainQuery,
  explanation,
  grant,
  grantInput,
  roleInput,
  rolePatch,
} from "@opsconductor/contract/api/grants";
import type { group, groupInput, groupPatch } from "@opsconductor/contract/api/groups";
import type { ImportedJob, JobImport } from "@opsconductor/contract/api/job-transfer";
import type {
  draftCheck,
  executionPlan,
  job,
  jobDetail,
  jobVersion,
  validateResponse,
} from "@opsconductor/contract/api/jobs";
import type { externalLink, signInOptions } from "@opsconductor/contract/api/oidc";
import type { addedPasskey, ceremony, passkey, passkeyProof } from "@opsconductor/contract/api/passkeys";
import type { stepUpRequest } from "@opsconductor/contract/api/step-up";
import type { databaseState, overview, system } from "@opsconductor/contract/api/system";
import type { resolveResponse, service, target, targetInput, targetPatch } from "@opsconductor/contract/api/targets";
import type {
  apiToken,
  apiTokenInput,
  apiTokenRules,
  createdApiToken,
  ownTokens,
  serviceAccount,
  serviceAccountInput,
  serviceAccountPage,
  serviceAccountPatch,
} from "@opsconductor/contract/api/tokens";
import type {
  createdUser,
  passwordLink,
  role,
  userInput,
  userPatch,
  userRecord,
  userSession,
} from "@opsconductor/contract/api/users";
import type { z } from "zod";

export type AddedPasskey = z.infer<typeof addedPasskey>;
export type Agent = z.infer<typeof agent>;
export type AgentDetail = z.infer<typeof agentDetail>;
export type ApiToken = z.infer<typeof apiToken>;
export type ApiTokenInput = z.input<typeof apiTokenInput>;
export type ApiTokenRules = z.infer<typeof apiTokenRules>;
export type CreatedApiToken = z.infer<typeof createdApiToken>;
export type OwnTokens = z.infer<typeof ownTokens>;
export type ServiceAccount = z.infer<typeof serviceAccount>;
export type ServiceAccountInput = z.input<typeof serviceAccountInput>;
export type ServiceAccountPage = z.infer<typeof serviceAccountPage>;
export type ServiceAccountPatch = z.input<typeof serviceAccountPatch>;
export type Approval = z.infer<typeof approval>;
export type ApprovalDetail = z.infer<typeof approvalDetail>;
export type Assignment = z.infer<typeof assignment>;
export type AuditEntry = z.infer<typeof auditEntry>;
export type AuditFilter = z.infer<typeof auditFilter>;
export type AuditFork = z.infer<typeof auditFork>;
export type AuditForks = z.infer<typeof auditForks>;
export type AuditVerification = z.infer<typeof auditVerification>;
export type Ceremony = z.infer<typeof ceremony>;
export type CertificateAuthority = z.infer<typeof certificateAuthority>;
export type ComparedStep = z.infer<typeof comparedStep>;
export type ComparedTarget = z.infer<typeof comparedTarget>;
export type Comparison = z.infer<typeof comparison>;
export type CreatedUser = z.infer<typeof createdUser>;
export type CreatedEnrollmentToken = z.infer<typeof createdEnrollmentToken>;
export type DatabaseState = z.infer<typeof databaseState>;
export type EnrollmentToken = z.infer<typeof enrollmentToken>;
export type Execution = z.infer<typeof execution>;
export type ExecutionDetail = z.infer<typeof executionDetail>;
export type ExplainQuery = z.input<typeof explainQuery>;
export type Explanation = z.infer<typeof explanation>;
export type ExecutionPlan = z.infer<typeof executionPlan>;
export type Factors = z.infer<typeof factors>;
export type Grant = z.infer<typeof grant>;
export type GrantInput = z.input<typeof grantInput>;
export type Group = z.infer<typeof group>;
export type GroupInput = z.input<typeof groupInput>;
export type GroupPatch = z.input<typeof groupPatch>;
export type ExternalLink = z.infer<typeof externalLink>;
export type SignInOptions = z.infer<typeof signInOptions>;
export type Job = z.infer<typeof job>;
export type JobDetail = z.infer<typeof jobDetail>;
export type JobVersion = z.infer<typeof jobVersion>;
export type { ImportedJob, JobImport };
export type LiveEvent = z.infer<typeof liveEvent>;
export type LoginResponse = z.infer<typeof loginResponse>;
export type OutputGroup = z.infer<typeof outputGroup>;
export type OutputGroupPage = z.infer<typeof outputGroupPage>;
export type OutputGroupTarget = z.infer<typeof outputGroupTarget>;
export type OutputLines = z.infer<typeof outputLines>;
export type OutputTicket = z.infer<typeof outputTicket>;
export type Overview = z.infer<typeof overview>;
export type Passkey = z.infer<typeof passkey>;
export type PasskeyProof = z.infer<typeof passkeyProof>;
export type PasswordLink = z.infer<typeof passwordLink>;
export type Preferences = z.infer<typeof preferences>;
export type ProfilePatch = z.infer<typeof profilePatch>;
export type Problem = z.infer<typeof problem>;
export type RecoveryCodes = z.infer<typeof recoveryCodes>;
export type ResolveResponse = z.infer<typeof resolveResponse>;
export type Role = z.infer<typeof role>;
export type RoleInput = z.input<typeof roleInput>;
export type RolePatch = z.input<typeof rolePatch>;
export type Service = z.infer<typeof service>;
export type SignInEntry = z.infer<typeof signInEntry>;
export type Step = z.infer<typeof step>;
export type StepUpRequest = z.infer<typeof stepUpRequest>;
export type System = z.infer<typeof system>;
export type Target = z.infer<typeof target>;
export type TargetInput = z.input<typeof targetInput>;
export type TargetPatch = z.input<typeof targetPatch>;
export type TimelineEntry = z.infer<typeof timelineEntry>;
export type TotpSetup = z.infer<typeof totpSetup>;
export type User = z.infer<typeof user>;
export type UserInput = z.input<typeof userInput>;
export type UserPatch = z.input<typeof userPatch>;
export type UserRecord = z.infer<typeof userRecord>;
export type UserSession = z.infer<typeof userSession>;
export type DraftCheck = z.infer<typeof draftCheck>;
export type ValidateResponse = z.infer<typeof validateResponse>;

/** One page of a list; `nextCursor` is absent on the last. */
export interface Page<T> {
  items: T[];
  nextCursor?: string;
}
