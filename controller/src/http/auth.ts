// The gate before every route: reads what the route asks for from the one table in contract, and who calls.
import { OcError } from "@opsconductor/contract/errors";
import { personalRoutes, requirementOf } from "@opsconductor/contract/permissions";
import type { MiddlewareHandler } from "hono";
import type { Actor, Context } from "../context.ts";
import { authenticate } from "../identity/authenticate.ts";
import { demandPermission, refuseProgram } from "../identity/demand-permission.ts";
import { demandProof } from "../identity/step-up.ts";
import { clientAddress, isFromThisMachine } from "./client-address.ts";
import { cutWhenRevoked } from "./cut-when-revoked.ts";
import { routeName } from "./route-name.ts";
import type { Http, HttpEnv } from "./router.ts";

/** What somebody may do who has not yet changed the first password. */
const beforePasswordChange = ["GET /api/v1/auth/me", "POST /api/v1/auth/password"];

/** What somebody may do whose role needs a second factor, before there is one. */
const beforeFactor = [
  ...beforePasswordChange,
  "POST /api/v1/auth/step-up/options",
  "POST /api/v1/auth/step-up",
  "GET /api/v1/auth/factors",
  "POST /api/v1/auth/factors/totp",
  "POST /api/v1/auth/factors/totp/confirm",
  "GET /api/v1/auth/passkeys",
  "POST /api/v1/auth/passkeys/options",
  "POST /api/v1/auth/passkeys",
];

/** Public, because they work when the token has long expired; one that has not is enough to end its session. */
const signsOut = ["POST /api/v1/auth/logout", "POST /auth/logout"];

/** Ends by itself when the session does, and tells its page properly. */
const watchesItself = ["GET /api/v1/events"];

type Requirements = NonNullable<ReturnType<typeof requirementOf>>;

export function authorize(ctx: Context): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const caller = anonymous(c, ctx);
    c.set("actor", caller);
    const route = routeName(c);
    if (route === undefined) return next(); // unknown paths are answered by notFound, which tells nothing
    const requirement = requirementOf(route);
    if (requirement === undefined) throw new Error(`${route} has no entry in contract/src/permissions.ts`);
    if (requirement.needs !== "public") {
      const actor = await callerFor(ctx, c, route, requirement);
      c.set("actor", actor);
      if (!watchesItself.includes(route)) cutWhenRevoked(ctx, c, actor);
    } else if (signsOut.includes(route)) c.set("actor", await whoeverSignsOut(ctx, c));
    return next();
  };
}

async function callerFor(ctx: Context, c: Http, route: string, { needs, stepUp }: Requirements): Promise<Actor> {
  if (route === "GET /metrics" && isFromThisMachine(c)) return c.get("actor");
  const { actor, mustChangePassword, mustSetUpFactor } = await authenticate(ctx, bearerToken(c), c.get("actor"));
  if (mustChangePassword && !beforePasswordChange.includes(route))
    throw new OcError(
      "password_change_required",
      "Change the first password with POST /api/v1/auth/password, then go on.",
    );
  if (mustSetUpFactor && !beforeFactor.includes(route))
    throw new OcError(
      "second_factor_setup_required",
      "One of your roles needs a second factor: set one up with POST /api/v1/auth/factors/totp, then go on.",
    );
  if (actor.token && personalRoutes.has(route)) await refuseProgram(ctx, actor, route);
  if (needs !== "public" && needs !== "token") await demandPermission(ctx, actor, { permission: needs, route });
  if (stepUp) await demandProof(ctx, actor);
  return actor;
}

async function whoeverSignsOut(ctx: Context, c: Http): Promise<Actor> {
  if (c.req.header("authorization") === undefined) return c.get("actor");
  try {
    return (await authenticate(ctx, bearerToken(c), c.get("actor"))).actor;
  } catch (error) {
    if (error instanceof OcError && error.code === "unauthenticated") return c.get("actor");
    throw error;
  }
}

function bearerToken(c: Http): string {
  const match = /^Bearer ([A-Za-z0-9._~+/-]+=*)$/i.exec(c.req.header("authorization") ?? "");
  if (!match)
    throw new OcError("unauthenticated", "Sign in first: send Authorization: Bearer <access token or API token>.");
  return match[1]!;
}

export function anonymous(c: Http, ctx: Context): Actor {
  return {
    kind: "anonymous",
    id: null,
    name: "",
    sessionId: null,
    requestId: c.get("requestId"),
    address: clientAddress(c, ctx.config.trustProxy),
    permissions: new Set(),
  };
}
