// What the form of an API token holds, and what may be sent. Pure.
import type { ApiTokenInput, ApiTokenRules } from "../api/types.ts";

export interface TokenForm {
  name: string;
  everything: boolean;
  scopes: string[];
  /** Days as text, as the select has it; "never". */
  expires: string;
}

export type TokenProblem = "nameMissing" | "scopesMissing";

const usualDays = [7, 30, 90, 180, 365];

export function tokenForm({ defaultDays }: ApiTokenRules): TokenForm {
  return { name: "", everything: false, scopes: [], expires: String(defaultDays) };
}

/** What the rules leave of the usual times, with their own. */
export function dayChoices({ defaultDays, maxDays }: ApiTokenRules): number[] {
  const days = [...usualDays, defaultDays, maxDays].filter((each) => each <= maxDays);
  return [...new Set(days)].sort((a, b) => a - b);
}

export function tokenProblems({ name, everything, scopes }: TokenForm): TokenProblem[] {
  return [
    ...(name.trim() === "" ? (["nameMissing"] as const) : []),
    ...(!everything && scopes.length === 0 ? (["scopesMissing"] as const) : []),
  ];
}

export function tokenInputOf({ name, everything, scopes, expires }: TokenForm): ApiTokenInput {
  return {
    name: name.trim(),
    scopes: (everything ? ["*"] : scopes) as ApiTokenInput["scopes"],
    expiresInDays: expires === "never" ? null : Number(expires),
  };
}

/** Permissions by their area, those that each of `holders` (with `*` for all) has: who makes the token, and whose it is. */
export function scopeGroups(
  all: readonly string[],
  ...holders: readonly (readonly string[] | undefined)[]
): [string, string[]][] {
  const groups = new Map<string, string[]>();
  for (const scope of all) {
    if (holders.some((held) => held && !held.includes("*") && !held.includes(scope))) continue;
    const area = scope.split(":")[0]!;
    groups.set(area, [...(groups.get(area) ?? []), scope]);
  }
  return [...groups];
}
