// How much of what one caller may ask for: the class of each route and the rate of each class. Applied by limit-rates.ts.
import { requirementOf } from "@opsconductor/contract/permissions";
import type { Rate } from "./token-buckets.ts";

export type RateClass = "proof" | "open" | "refused" | "heavy" | "account";

/**
 * proof: passwords, codes and links, by address; open: what anybody may read, by address; refused: requests without a
 * valid token, by address; heavy: what reads a whole log, a file of jobs, or makes a hash, by account. The rate of everything else that
 * an account asks for is configured.
 */
export const rates: Readonly<Record<Exclude<RateClass, "account">, Rate>> = {
  proof: { perSecond: 5, burst: 100 },
  open: { perSecond: 100, burst: 1_000 },
  refused: { perSecond: 20, burst: 400 },
  heavy: { perSecond: 1, burst: 30 },
};

/** Watched by machines that must hear an answer, most of all when others ask too much. */
const exempt = ["GET /health", "GET /health/live", "GET /metrics", "GET /*"];
const heavy = [
  "GET /api/v1/audit/verify",
  "GET /api/v1/audit/export",
  "POST /api/v1/auth/password",
  "POST /api/v1/job-exports",
  "POST /api/v1/job-imports",
];

/** Read by address, and yet a proof: each wrong one is a row of the audit log. */
const judged = ["GET /api/v1/auth/oidc/callback"];

/** The provider tells of everybody who signed out there, from one address; what it sends is not to be guessed. */
const signed = ["POST /api/v1/auth/oidc/back-channel-logout"];

/** Undefined: without a limit. */
export function rateClassOf(route: string): Exclude<RateClass, "refused"> | undefined {
  if (exempt.includes(route)) return undefined;
  if (heavy.includes(route)) return "heavy";
  if (requirementOf(route)?.needs !== "public") return "account";
  if (signed.includes(route)) return "open";
  return route.startsWith("GET ") && !judged.includes(route) ? "open" : "proof";
}
