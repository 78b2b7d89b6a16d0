// How long API tokens may live: the configuration's word, and no longer than the token with which one is made.
import type { ApiTokenRules } from "@opsconductor/contract/api/tokens";
import type { Actor, Context } from "../context.ts";
import { refuseField } from "./guard-users.ts";

const usualDays = 90;
const dayMs = 86_400_000;

export function tokenRules({ config }: Pick<Context, "config">): ApiTokenRules {
  const { tokenMaxDays: maxDays, tokenNoExpiry: servicesMayNeverExpire } = config;
  return { defaultDays: Math.min(usualDays, maxDays), maxDays, servicesMayNeverExpire };
}

/** Null: never. Refuses what the rules do not allow; without a wish it is the usual time, cut to what is allowed. */
export function expiryOf(
  ctx: Pick<Context, "config" | "now">,
  actor: Actor,
  asked: { days: number | null | undefined; ofService: boolean },
): Date | null {
  const rules = tokenRules(ctx);
  const maker = actor.token?.expiresAt ?? null;
  if (asked.days === null) {
    if (!asked.ofService) refuseField("expiresInDays", "must be given: tokens of people always end");
    if (!rules.servicesMayNeverExpire)
      refuseField("expiresInDays", "must be given: tokens without an end are not allowed here (OC_TOKEN_NO_EXPIRY)");
    if (maker) refuseField("expiresInDays", "must be given: the token that makes it ends too");
    return null;
  }
  const days = asked.days ?? rules.defaultDays;
  if (days > rules.maxDays) refuseField("expiresInDays", `must be at most ${rules.maxDays} (OC_TOKEN_MAX_DAYS)`);
  const end = new Date(ctx.now().getTime() + days * dayMs);
  if (!maker || end <= maker) return end;
  if (asked.days !== undefined)
    refuseField("expiresInDays", `must not be later than the end of the token that makes it, ${maker.toISOString()}`);
  return maker;
}
