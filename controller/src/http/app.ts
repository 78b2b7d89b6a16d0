// The REST API and the console as one Hono application: what every request passes, then the routes of every resource.
// Built by server.ts, and by tests that call app.request without a socket.
import { OcError } from "@opsconductor/contract/errors";
import { isSecure } from "../addresses.ts";
import type { Context } from "../context.ts";
import { allowedMethods } from "./allowed-methods.ts";
import { auditRefusals } from "./audit-refusals.ts";
import { anonymous, authorize } from "./auth.ts";
import { onlyThroughProxies } from "./client-address.ts";
import { consoleFiles, consolePages } from "./console.ts";
import { crossOrigin } from "./cross-origin.ts";
import { limitBodies } from "./limit-bodies.ts";
import { limitRates } from "./limit-rates.ts";
import { maxBodyBytes } from "./max-body-bytes.ts";
import { measureRequests } from "./measure-requests.ts";
import { answerError } from "./problem.ts";
import { requestIds } from "./request-id.ts";
import { type Http, newRouter, type Router } from "./router.ts";
import { accountRoutes } from "./routes/account.ts";
import { agentRoutes } from "./routes/agents.ts";
import { approvalRoutes } from "./routes/approvals.ts";
import { auditRoutes } from "./routes/audit.ts";
import { authRoutes } from "./routes/auth.ts";
import { certificateAuthorityRoutes } from "./routes/certificate-authority.ts";
import { compareRoutes } from "./routes/compare.ts";
import { docsRoutes } from "./routes/docs.ts";
import { enrollmentTokenRoutes } from "./routes/enrollment-tokens.ts";
import { eventsRoutes } from "./routes/events.ts";
import { executionRoutes } from "./routes/executions.ts";
import { factorRoutes } from "./routes/factors.ts";
import { grantRoutes } from "./routes/grants.ts";
import { groupRoutes } from "./routes/groups.ts";
import { healthRoutes } from "./routes/health.ts";
import { installRoutes } from "./routes/install.ts";
import { jobTransferRoutes } from "./routes/job-transfer.ts";
import { jobRoutes } from "./routes/jobs.ts";
import { limitRoutes } from "./routes/limits.ts";
import { metricsRoutes } from "./routes/metrics.ts";
import { oidcRoutes } from "./routes/oidc.ts";
import { originalAuthRoutes } from "./routes/original/auth.ts";
import { originalResourceRoutes } from "./routes/original/resources.ts";
import { overviewRoutes } from "./routes/overview.ts";
import { passkeyRoutes } from "./routes/passkeys.ts";
import { stepUpRoutes } from "./routes/step-up.ts";
import { systemRoutes } from "./routes/system.ts";
import { targetRoutes } from "./routes/targets.ts";
import { tokenRoutes } from "./routes/tokens.ts";
import { userRoutes } from "./routes/users.ts";
import { sameOriginWrites } from "./same-origin.ts";
import { securityHeaders } from "./security-headers.ts";

/** In the order of the documentation. */
const resources = [
  authRoutes,
  oidcRoutes,
  accountRoutes,
  stepUpRoutes,
  factorRoutes,
  passkeyRoutes,
  userRoutes,
  tokenRoutes,
  grantRoutes,
  overviewRoutes,
  agentRoutes,
  enrollmentTokenRoutes,
  certificateAuthorityRoutes,
  installRoutes,
  targetRoutes,
  groupRoutes,
  jobRoutes,
  jobTransferRoutes,
  executionRoutes,
  compareRoutes,
  approvalRoutes,
  eventsRoutes,
  auditRoutes,
  systemRoutes,
  limitRoutes,
  healthRoutes,
  metricsRoutes,
  originalAuthRoutes,
  originalResourceRoutes,
];

export function createApp(ctx: Context): Router {
  const app = newRouter();
  const limits = limitRates(ctx);
  app.use(requestIds(ctx));
  app.use(measureRequests(ctx));
  app.use(securityHeaders(isSecure(ctx.config)));
  app.use(auditRefusals(ctx, (c) => anonymous(c, ctx)));
  app.use(onlyThroughProxies(ctx.config.trustProxy));
  app.use(crossOrigin(ctx.config.corsOrigins));
  app.use(sameOriginWrites(ctx.config));
  app.use(consolePages(ctx.config));
  app.use(limits.byAddress);
  app.use(authorize(ctx));
  app.use(limits.byAccount);
  app.use(limitBodies(maxBodyBytes));
  app.onError((error, c) => answerError(ctx, error, c));
  app.notFound((c) => answerError(ctx, unknownPath(app, c), c));
  for (const routes of resources) app.route("/", routes(ctx));
  app.route("/", docsRoutes(app));
  app.route("/", consoleFiles(ctx.config));
  return app;
}

function unknownPath(app: Router, c: Http): OcError {
  const allowed = allowedMethods(app, c.req.path);
  if (allowed.length === 0 || allowed.includes(c.req.method)) {
    const bare = c.req.path.replace(/\/+$/, "");
    const hint =
      bare !== c.req.path && allowedMethods(app, bare).length > 0
        ? `There is ${bare}, without the slash at the end.`
        : "GET /openapi.json lists what there is.";
    return new OcError("not_found", `There is nothing at ${c.req.path}. ${hint}`);
  }
  c.header("Allow", allowed.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])).join(", "));
  return new OcError("method_not_allowed", `${c.req.path} answers ${allowed.join(" and ")}, not ${c.req.method}.`);
}
