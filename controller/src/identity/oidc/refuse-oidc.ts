// A refused sign-on in the audit log, the log and the figures. Called by finish-oidc.ts.
import { writeAudit } from "../../communication/audit.ts";
import type { Actor, Context } from "../../context.ts";
import { countSignIn } from "../sign-in-metrics.ts";
import type { OidcRefused } from "./oidc-refusal.ts";
import { refusalCode } from "./provider-trouble.ts";

export async function auditRefusal(
  ctx: Context,
  caller: Actor,
  { why, cause, user, roles }: OidcRefused,
): Promise<void> {
  await writeAudit(ctx, ctx.sql, caller, {
    action: "user.sign_in_refused",
    outcome: "refused",
    ...(user ? { object: { kind: "user", id: user.id, name: user.username } } : {}),
    detail: { why: `sign_on_${why}`, ...(roles ? { roles } : {}) },
  });
  countSignIn(ctx, `sign_on_${why}`);
  // The provider's words, which name neither codes nor tokens.
  const reason = cause instanceof Error ? messagesOf(cause) : undefined;
  ctx.log.warn({ why, reason, roles, user: user?.username, address: caller.address }, "user.sign_on_refused");
}

/** Of an answer that refuses us, its code too (`invalid_client`): the message alone says only that there was one. */
function messagesOf(error: Error): string {
  const code = refusalCode(error);
  const inner = error.cause instanceof Error ? `: ${error.cause.message}` : "";
  return `${error.message}${code ? ` (${code})` : ""}${inner}`;
}
