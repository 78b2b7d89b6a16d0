// Names of everything in the query cache, so that live events and mutations reach what pages read.

export const keys = {
  agents: ["agents"] as const,
  agentList: ["agents", "list"] as const,
  agent: (id: string) => ["agents", "one", id] as const,
  tokens: ["enrollment-tokens"] as const,
  targets: ["targets"] as const,
  targetList: (select: string) => ["targets", "list", select] as const,
  target: (id: string) => ["targets", "one", id] as const,
  /** Below targets: whatever makes those stale makes groups stale. */
  groups: ["targets", "groups"] as const,
  jobs: ["jobs"] as const,
  job: (idOrName: string) => ["jobs", "one", idOrName] as const,
  executions: ["executions"] as const,
  executionList: (filter: object) => ["executions", "list", filter] as const,
  execution: (id: string) => ["executions", "one", id] as const,
  approvals: ["approvals"] as const,
  auditList: (filter: object) => ["audit", "list", filter] as const,
  auditForks: ["audit", "forks"] as const,
  auditChain: ["audit-chain"] as const,
  users: ["users"] as const,
  roles: ["roles"] as const,
  grants: (user: string) => ["grants", user] as const,
  explanation: (query: object) => ["explanation", query] as const,
  sessions: (user: string | undefined) => ["sessions", user ?? ""] as const,
  factors: ["factors"] as const,
  /** Undefined: the caller's own. */
  signIns: (user: string | undefined) => ["sign-ins", user ?? ""] as const,
  apiTokens: ["api-tokens"] as const,
  /** Undefined: the caller's own. */
  tokensOf: (owner: string | undefined) => ["api-tokens", owner ?? ""] as const,
  serviceAccounts: ["service-accounts"] as const,
  passkeys: ["passkeys"] as const,
  limits: ["limits"] as const,
  overview: ["overview"] as const,
  system: ["system"] as const,
  database: ["system", "database"] as const,
};
