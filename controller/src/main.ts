// The controller: reads the configuration, starts its parts in order, stops them when asked. `node controller/src/main.ts`
import { setTimeout as sleep } from "node:timers/promises";
import { databaseTrouble } from "@opsconductor/database/database-trouble";
import type { Logger } from "pino";
import { announceReady } from "./announce.ts";
import { automationDuties } from "./automation/automation.ts";
import { sampleJobs } from "./automation/seed-samples.ts";
import { auditDuties } from "./communication/audit-duties.ts";
import { type Config, ConfigError, loadConfig } from "./config.ts";
import { controllerLease } from "./fleet/controller-lease.ts";
import { localAgent } from "./fleet/local-agent.ts";
import { agentListeners } from "./grpc/agent-listeners.ts";
import { httpServer } from "./http/server.ts";
import { tokenUses } from "./identity/api-token-uses.ts";
import { firstAccount } from "./identity/first-account.ts";
import { oidcProvider } from "./identity/oidc/oidc-provider.ts";
import { rightsChanges } from "./identity/rights-changes.ts";
import { Lifecycle, StopRequested } from "./lifecycle.ts";
import { peerLink } from "./live/postgres-peers.ts";
import { createLog } from "./log.ts";
import { openContext } from "./open-context.ts";
import type { Service } from "./service.ts";
import { StartRefused } from "./start-refused.ts";

/** In this order; stopped in reverse. */
const services: Service[] = [
  controllerLease,
  peerLink,
  auditDuties,
  automationDuties,
  sampleJobs,
  tokenUses,
  rightsChanges,
  oidcProvider,
  agentListeners,
  localAgent,
  httpServer,
  firstAccount,
];

/** A database that goes away in the middle of a start is no reason to stay down: `npm start` has nobody who starts it again. */
const mostStarts = 5;
const startAgainMs = 500;

async function main(): Promise<number> {
  const config = loadConfig(process.env);
  const log = createLog(config);
  let life = new Lifecycle(log);
  let failed = false;
  const fail = (error: unknown) => {
    failed = true;
    log.fatal({ err: error }, "controller.failed");
    life.requestStop("failure");
  };
  process.on("uncaughtException", fail).on("unhandledRejection", fail);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => life.requestStop(signal));
  for (let starts = 1; ; starts++) {
    try {
      await startAll(config, log, life);
      await life.untilStopRequested();
    } catch (error) {
      if (error instanceof StartRefused) return await afterStop(life, explain(error));
      if (databaseTrouble(error)?.kind === "away" && starts < mostStarts && !life.signal.aborted) {
        log.error({ err: error, starts }, "controller.start_lost_database");
        await life.stop("to start again");
        life = new Lifecycle(log);
        await sleep(startAgainMs, undefined, { signal: life.signal }).catch(() => {});
        continue;
      }
      if (!(error instanceof StopRequested)) fail(error);
    }
    return await afterStop(life, failed ? 1 : 0);
  }
}

async function startAll(config: Config, log: Logger, life: Lifecycle): Promise<void> {
  const ctx = await openContext(config, log, life);
  for (const service of services) {
    await life.start(
      service.name,
      () => service.start(ctx),
      (running) => running.stop(),
    );
  }
  log.info({ controllerId: ctx.controllerId, ms: Math.round(performance.now()) }, "controller.ready");
  process.stdout.write(announceReady(config));
}

async function afterStop(life: Lifecycle, exitCode: number): Promise<number> {
  const clean = await life.stop();
  return exitCode || (clean ? 0 : 1);
}

function explain(error: StartRefused): number {
  process.stderr.write(`OpsConductor cannot start.\n  ${error.message}\n`);
  return error.exitCode;
}

try {
  process.exit(await main());
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`OpsConductor cannot start. ${error.message}\n`);
  process.exit(2);
}
