// Refuses who asks too much, with 429 and the time to wait: per address where nobody is known yet, per account elsewhere.
// Used by app.ts around and after the authentication. Each controller counts for itself.
import { OcError } from "@opsconductor/contract/errors";
import type { MiddlewareHandler } from "hono";
import { Counter } from "prom-client";
import type { Context } from "../context.ts";
import { networkOf } from "../network-of.ts";
import { clientAddress } from "./client-address.ts";
import { type RateClass, rateClassOf, rates } from "./rate-classes.ts";
import { routeName } from "./route-name.ts";
import type { Http, HttpEnv } from "./router.ts";
import { TokenBuckets } from "./token-buckets.ts";

type Handler = MiddlewareHandler<HttpEnv>;

export function limitRates(ctx: Context): { byAddress: Handler; byAccount: Handler } {
  const buckets = makeBuckets(ctx.config.rateLimit);
  const limited = new Counter({
    name: "oc_http_rate_limited_total",
    help: "Requests refused because their address or account asked too much, by the class of the limit.",
    labelNames: ["class"],
    registers: [ctx.metrics],
  });
  for (const name of buckets.keys()) limited.inc({ class: name }, 0);
  /** Inside the program (tests) a request has no address. */
  const demand = (kind: RateClass, key: string | null) => {
    const seconds = key === null ? 0 : (buckets.get(kind)?.take(key) ?? 0);
    if (seconds === 0) return;
    limited.inc({ class: kind });
    throw new OcError("rate_limited", `Too many requests. Try again in ${seconds} s.`, { retryAfterSeconds: seconds });
  };
  const addressOf = (c: Http) => {
    const address = clientAddress(c, ctx.config.trustProxy);
    return address && networkOf(address);
  };
  return {
    byAddress: async (c, next) => {
      const kind = classOf(c);
      if (kind === "proof" || kind === "open") demand(kind, addressOf(c));
      await next();
      if (kind && isUnauthenticated(c.error)) demand("refused", addressOf(c));
    },
    byAccount: async (c, next) => {
      const kind = classOf(c);
      if (kind === "account" || kind === "heavy") demand(kind, c.get("actor").id);
      await next();
    },
  };
}

function makeBuckets(perSecond: number): Map<RateClass, TokenBuckets> {
  const { heavy, ...ofAddresses } = rates;
  const ofAccounts = perSecond > 0 ? { heavy, account: { perSecond, burst: 2 * perSecond } } : {};
  const all = { ...ofAddresses, ...ofAccounts };
  const monotonic = () => performance.now();
  return new Map(Object.entries(all).map(([kind, rate]) => [kind as RateClass, new TokenBuckets(rate, monotonic)]));
}

function classOf(c: Http) {
  const route = routeName(c);
  return route === undefined ? undefined : rateClassOf(route);
}

const isUnauthenticated = (error: Error | undefined) => error instanceof OcError && error.code === "unauthenticated";
