// This controller's row in fleet.controllers: what others read to know that it lives. A service of main.ts.
import { hostname } from "node:os";
import type { Context } from "../context.ts";
import type { Service } from "../service.ts";
import { version } from "../version.ts";
import { deleteAbandonedControllers, deleteController, insertController, renewLease } from "./cluster-queries.ts";

const leaseMs = 15_000;
const renewMs = 4_000;
const abandonedMs = 86_400_000;

export const controllerLease: Service = {
  name: "controller lease",
  async start(ctx) {
    await deleteAbandonedControllers(ctx.sql, new Date(ctx.now().getTime() - abandonedMs));
    await insertLease(ctx);
    const timer = setInterval(() => void renew(ctx), renewMs);
    return {
      async stop() {
        clearInterval(timer);
        await deleteController(ctx.sql, ctx.controllerId);
      },
    };
  },
};

async function insertLease(ctx: Context): Promise<void> {
  const now = ctx.now();
  const leaseUntil = new Date(now.getTime() + leaseMs);
  await insertController(ctx.sql, { id: ctx.controllerId, startedAt: now, leaseUntil, version, hostname: hostname() });
}

/** A database that is away for a moment is no reason to end: the lease runs out and comes back. */
async function renew(ctx: Context): Promise<void> {
  try {
    const until = new Date(ctx.now().getTime() + leaseMs);
    if (!(await renewLease(ctx.sql, ctx.controllerId, until)) && !ctx.signal.aborted) await insertLease(ctx);
  } catch (error) {
    ctx.log.warn({ err: error }, "controller.lease_not_renewed");
  }
}
