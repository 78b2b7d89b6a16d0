// The sign-ins of one user, out of the audit log. Called by identity/sign-in-history.ts.
import type { AuditRecord } from "@opsconductor/contract/audit-chain";
import type { Context } from "../context.ts";
import { selectSignIns } from "./audit-queries.ts";

export const signInActions = [
  "user.signed_in",
  "user.sign_in_refused",
  "user.stepped_up",
  "user.step_up_refused",
  "user.signed_out",
] as const;

/** Newest first, below `before`. */
export function readSignIns(
  ctx: Pick<Context, "sql">,
  userId: string,
  page: { before: string | undefined; limit: number },
): Promise<AuditRecord[]> {
  return selectSignIns(ctx.sql, userId, [...signInActions], page);
}
