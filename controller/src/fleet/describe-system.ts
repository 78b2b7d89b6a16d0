// What this controller is and what its database holds: GET system.
import type { system } from "@opsconductor/contract/api/system";
import type { z } from "zod";
import { isSecure, publicAgentAddr, publicApiAddr, publicUrl } from "../addresses.ts";
import type { Context } from "../context.ts";
import { version } from "../version.ts";
import { selectController, selectDatabaseFacts } from "./cluster-queries.ts";

export async function describeSystem(ctx: Context): Promise<z.infer<typeof system>> {
  const { config, sql, clusterId, controllerId } = ctx;
  const [database, controller] = await Promise.all([selectDatabaseFacts(sql), selectController(sql, controllerId)]);
  return {
    version,
    clusterId,
    controllerId,
    startedAt: (controller?.startedAt ?? ctx.now()).toISOString(),
    publicUrl: publicUrl(config),
    secure: isSecure(config),
    agentAddress: publicAgentAddr(config),
    apiAddress: publicApiAddr(config),
    database: {
      version: database.version,
      embedded: config.databaseUrl === undefined,
      schemaVersion: database.schemaVersion,
      sizeBytes: Number(database.sizeBytes),
    },
  };
}
