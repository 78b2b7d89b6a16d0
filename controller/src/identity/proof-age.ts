// Whether a session's latest proof is too old for dangerous acts. Pure. Called where callers are recognised, and by step-up.
import type { Context } from "../context.ts";

export function proofIsOld({ config, now }: Pick<Context, "config" | "now">, provenAt: Date): boolean {
  return now().getTime() - provenAt.getTime() > config.stepUpMinutes * 60_000;
}
