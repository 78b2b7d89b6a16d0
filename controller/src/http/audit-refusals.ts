// Requests that were refused before any verb heard of them: no or a wrong token, a page of another site, a peer that is no
// proxy of ours. Sign-in and permissions write their own rows. Used by app.ts.
import { OcError } from "@opsconductor/contract/errors";
import type { MiddlewareHandler } from "hono";
import type { Context } from "../context.ts";
import { auditRefusal } from "../identity/audit-refusal.ts";
import { rateClassOf } from "./rate-classes.ts";
import { routeName } from "./route-name.ts";
import type { Http, HttpEnv } from "./router.ts";

export function auditRefusals(
  ctx: Context,
  anonymous: (c: Http) => HttpEnv["Variables"]["actor"],
): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    await next();
    const route = routeName(c);
    if (route === undefined || !(c.error instanceof OcError) || !isOurs(c.error, route)) return;
    const actor = c.get("actor") ?? anonymous(c);
    const detail = { route, code: c.error.code, why: c.error.message };
    // The refusal stands, whether the database can note it or not.
    await auditRefusal(ctx, actor, { action: "request.refused", detail }).catch((error) =>
      ctx.log.warn({ err: error, ...detail }, "request.refusal_not_audited"),
    );
  };
}

function isOurs(error: OcError, route: string): boolean {
  if (error.code !== "unauthenticated" && error.code !== "permission_denied") return false;
  // Every open tab has an expired token now and then: the next request has a new one.
  const hasExpired = (error.cause as { code?: string } | undefined)?.code === "ERR_JWT_EXPIRED";
  return !error.audited && !hasExpired && (rateClassOf(route) !== "proof" || error.code === "permission_denied");
}
