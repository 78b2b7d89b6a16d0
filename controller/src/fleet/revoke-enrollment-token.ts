// Takes back a join token that nobody used yet; called by the REST route.
import { OcError } from "@opsconductor/contract/errors";
import { isStorable } from "../assets/storable-text.ts";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context } from "../context.ts";
import { revokeTokenRow, selectEnrollmentTokens } from "./enrollment-token-queries.ts";

export async function revokeEnrollmentToken(ctx: Context, actor: Actor, params: { id: string }): Promise<void> {
  const missing = () => new OcError("not_found", "There is no such enrolment token");
  if (!isStorable(params.id)) throw missing();
  await ctx.sql.begin(async (tx) => {
    const [row] = await selectEnrollmentTokens(tx, { limit: 1, before: undefined, id: params.id });
    if (!row) throw missing();
    if (row.revokedAt) return;
    if (!(await revokeTokenRow(tx, params.id, ctx.now())))
      throw new OcError(
        "failed_precondition",
        "This token was already used: to undo the enrolment, revoke the agent that it made",
      );
    await writeAudit(ctx, tx, actor, {
      action: "enrollment_token.revoked",
      object: { kind: "enrollment_token", id: row.id },
    });
  });
  ctx.live.publish({ kind: "changed", topic: "enrollment-tokens", ids: [params.id] });
}
