// This controller's row in fleet.controllers: what others read to know that it lives. A service of main.ts.
import { hostname } from "node:os";
import type { Context } from "../context.ts";
import type { Service } from "../service.ts";
import { version } from "../version.ts";
import { deleteAbandonedControllers, deleteController, insertController, renewLease } from "./cluster-queries.ts";

/** A lease survives that many renewals that came too late or failed, less one. */
const renewalsPerLease = 4;

export const controllerLease: Service = {
  name: "controller lease",
  async start(ctx) {
    await deleteAbandonedControllers(ctx.sql);
    await insertLease(ctx);
    const timer = setInterval(() => void renew(ctx), (ctx.config.leaseSeconds * 1000) / renewalsPerLease);
    return {
      async stop() {
        clearInterval(timer);
        await deleteController(ctx.sql, ctx.controllerId);
      },
    };
  },
};

async function insertLease(ctx: Context): Promise<void> {
  const { controllerId: id, config } = ctx;
  const { leaseSeconds } = config;
  await insertController(ctx.sql, { id, startedAt: ctx.now(), leaseSeconds, version, hostname: hostname() });
}

/** A database that is away for a moment is no reason to end: the lease runs out and comes back. */
async function renew(ctx: Context): Promise<void> {
  try {
    const renewed = await renewLease(ctx.sql, ctx.controllerId, ctx.config.leaseSeconds);
    if (!renewed && !ctx.signal.aborted) await insertLease(ctx);
  } catch (error) {
    ctx.log.warn({ err: error }, "controller.lease_not_renewed");
  }
}
