// The controller: reads the configuration, starts its parts in order, stops them when asked. `node controller/src/main.ts`
import { announceReady } from "./announce.ts";
import { automationDuties } from "./automation/automation.ts";
import { sampleJobs } from "./automation/seed-samples.ts";
import { auditDuties } from "./communication/audit-duties.ts";
import { ConfigError, loadConfig } from "./config.ts";
import { controllerLease } from "./fleet/controller-lease.ts";
import { localAgent } from "./fleet/local-agent.ts";
import { agentListeners } from "./grpc/agent-listeners.ts";
import { httpServer } from "./http/server.ts";
import { tokenUses } from "./identity/api-token-uses.ts";
import { firstAccount } from "./identity/first-account.ts";
import { Lifecycle, StopRequested } from "./lifecycle.ts";
import { createLog } from "./log.ts";
import { openContext } from "./open-context.ts";
import type { Service } from "./service.ts";
import { StartRefused } from "./start-refused.ts";

/** In this order; stopped in reverse. */
const services: Service[] = [
  controllerLease,
  auditDuties,
  automationDuties,
  sampleJobs,
  tokenUses,
  agentListeners,
  localAgent,
  httpServer,
  firstAccount,
];

async function main(): Promise<number> {
  const config = loadConfig(process.env);
  const log = createLog(config);
  const life = new Lifecycle(log);
  let exitCode = 0;
  const fail = (error: unknown) => {
    exitCode = 1;
    log.fatal({ err: error }, "controller.failed");
    life.requestStop("failure");
  };
  process.on("uncaughtException", fail).on("unhandledRejection", fail);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => life.requestStop(signal));
  try {
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
    await life.untilStopRequested();
  } catch (error) {
    if (error instanceof StartRefused) exitCode = explain(error);
    else if (!(error instanceof StopRequested)) fail(error);
  }
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
