// What a sign-on has to remember between its two requests, as a cookie that only this cluster can make and read: state,
// nonce and PKCE verifier bind the answer to this browser, so that nobody can slip it an answer of their own.
import type { Context } from "../../context.ts";
import { safeReturn } from "./safe-return.ts";

export interface OidcFlow {
  state: string;
  nonce: string;
  verifier: string;
  /** Path to go on to. */
  next: string;
  /** Whose account is to be connected, and in which session they asked. Undefined: a sign-in. */
  link?: { userId: string; sessionId: string };
}

export const flowSeconds = 600;
const purpose = "identity.oidc-flow";

export function sealFlow(ctx: Pick<Context, "keys" | "now">, flow: OidcFlow): string {
  const until = ctx.now().getTime() + flowSeconds * 1000;
  return ctx.keys.seal(purpose, Buffer.from(JSON.stringify({ ...flow, until }))).toString("base64url");
}

/** Undefined for a cookie that is missing, too old, or not ours. */
export function openFlow(ctx: Pick<Context, "keys" | "now">, cookie: string | undefined): OidcFlow | undefined {
  if (!cookie) return undefined;
  let flow: OidcFlow & { until: number };
  try {
    flow = JSON.parse(ctx.keys.open(purpose, Buffer.from(cookie, "base64url")).toString());
  } catch {
    return undefined; // told as an expired sign-on: there is nothing else to do about it
  }
  return flow.until > ctx.now().getTime() ? { ...flow, next: safeReturn(flow.next) } : undefined;
}
