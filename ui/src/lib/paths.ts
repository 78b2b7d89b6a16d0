// Every address of the console, in one place; components never spell one.

const query = (params: Record<string, string | undefined>) => {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) if (value) search.set(name, value);
  const text = search.toString();
  return text ? `?${text}` : "";
};
const segment = encodeURIComponent;

export const paths = {
  overview: () => "/",
  login: (next?: string) => `/login${query({ next: next === "/" ? undefined : next })}`,
  setup: (next?: string) => `/setup${query({ next: next === "/" ? undefined : next })}`,
  setupFactor: (next?: string) => `/setup/factor${query({ next: next === "/" ? undefined : next })}`,
  /** The secret is a fragment: it is in no log and in no request. */
  password: (token: string) => `/password#${segment(token)}`,
  me: () => "/me",
  users: () => "/access/users",
  roles: () => "/access/roles",
  serviceAccounts: () => "/access/service-accounts",
  apiTokens: () => "/access/tokens",
  agents: (filter: { q?: string; state?: string; dialog?: string } = {}) => `/agents${query(filter)}`,
  agent: (id: string, tab?: string) => `/agents/${segment(id)}${query({ tab })}`,
  enrollmentTokens: () => "/agents/enroll",
  targets: (filter: { q?: string; select?: string; group?: string; dialog?: string } = {}) =>
    `/targets${query(filter)}`,
  target: (id: string, tab?: string) => `/targets/${segment(id)}${query({ tab })}`,
  jobs: (filter: { q?: string } = {}) => `/jobs${query(filter)}`,
  newJob: (template?: string) => `/jobs/new${query({ template })}`,
  job: (idOrName: string, tab?: string) => `/jobs/${segment(idOrName)}${query({ tab })}`,
  editJob: (idOrName: string, from?: number) => `/jobs/${segment(idOrName)}/edit${query({ from: from?.toString() })}`,
  actions: (filter: { q?: string } = {}) => `/actions${query(filter)}`,
  executions: (filter: { q?: string; state?: string; job?: string; target?: string } = {}) =>
    `/executions${query(filter)}`,
  /** `before`: an id or `previous`. */
  compare: (before: string, after: string) => `/executions/compare${query({ a: before, b: after })}`,
  audit: (filter: { actor?: string; object?: string } = {}) => `/audit${query(filter)}`,
  limits: () => "/limits",
  approvals: () => "/approvals",
  approval: (id: string) => `/approvals/${segment(id)}`,
  execution: (id: string, at: { stage?: string; target?: string; step?: string; tab?: string } = {}) =>
    `/executions/${segment(id)}${query(at)}`,
};

/** `next` from a query string, only when it is a path of this origin (no open redirect). */
export function safeNext(next: string | null): string {
  return next && /^\/(?![/\\])/.test(next) ? next : paths.overview();
}

/** Where a signed-in person goes: first to what must be set up, else to `next`. */
export function afterSignIn(user: { mustChangePassword: boolean; mustSetUpFactor: boolean }, next: string): string {
  if (user.mustChangePassword) return paths.setup(next);
  return user.mustSetUpFactor ? paths.setupFactor(next) : next;
}
