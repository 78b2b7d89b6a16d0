// When and from where API tokens were used: noted in memory at each request, written now and then. Reached as
// `ctx.identity.tokenUses`; the service is in main.ts's list.
import { Counter } from "prom-client";
import type { Context } from "../context.ts";
import type { Service } from "../service.ts";
import { startLoop } from "../start-loop.ts";
import { type TokenUse, updateTokenUses } from "./api-token-queries.ts";

const everyMs = 20_000;

export class ApiTokenUses {
  private noted = new Map<string, TokenUse>();

  note(use: TokenUse): void {
    this.noted.set(use.id, use);
  }

  /** What a failed write did not store is noted again, unless the token was used since. */
  async write(ctx: Pick<Context, "sql">): Promise<void> {
    const uses = [...this.noted.values()];
    if (uses.length === 0) return;
    this.noted = new Map();
    try {
      await updateTokenUses(ctx.sql, uses);
    } catch (error) {
      for (const use of uses) if (!this.noted.has(use.id)) this.noted.set(use.id, use);
      throw error;
    }
  }
}

export const tokenUses: Service = {
  name: "token uses",
  start(ctx) {
    const { tokenUses: uses } = ctx.identity;
    ctx.identity.tokenCounter = new Counter({
      name: "oc_api_token_requests_total",
      help: "Requests that came with an API token, by what became of it: active, expired, revoked, suspended, unknown",
      labelNames: ["outcome"],
      registers: [ctx.metrics],
    });
    const loop = startLoop(ctx, "identity.token_uses", everyMs, () => uses.write(ctx));
    const stop = async () => {
      await loop;
      await uses.write(ctx);
    };
    return { stop };
  },
};
