// Another controller on the database of a fault stack's first, as several of them share one in production. Called by
// pause.ts and by the benchmark of revocation.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { type Devstack, startDevstack } from "../devstack/devstack.ts";
import { type FaultStack, faultsPassword, runningStacks } from "./fault-stack.ts";

export interface SecondController {
  stack: Devstack;
  stop(): Promise<void>;
}

/** `env` needs the ENCRYPTION_KEY of the first. */
export async function startSecondController(
  faults: Pick<FaultStack, "database">,
  env: Record<string, string>,
): Promise<SecondController> {
  const { socket, appPassword, ownerPassword } = faults.database();
  const relay = await relayTo(socket);
  const { port } = relay.address() as AddressInfo;
  const url = (role: string, password: string) => `postgres://${role}:${password}@127.0.0.1:${port}/opsconductor`;
  const stop = async () => {
    relay.close();
  };
  try {
    const stack = await startDevstack({
      adminPassword: faultsPassword,
      env: {
        ...env,
        DATABASE_URL: url("opsconductor_app", appPassword),
        DATABASE_OWNER_URL: url("opsconductor", ownerPassword),
      },
    });
    const second = {
      stack,
      stop: async () => {
        runningStacks.delete(second);
        await stack.discard();
        await stop();
      },
    };
    runningStacks.add(second);
    return second;
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The embedded PostgreSQL listens on a Unix socket only, and DATABASE_URL names a host. */
async function relayTo(socket: string): Promise<Server> {
  const server = createServer((client) => {
    const database = connect(socket);
    client.pipe(database).pipe(client);
    for (const [side, other] of [
      [client, database],
      [database, client],
    ] as const)
      side.on("error", () => other.destroy()).once("close", () => other.destroy());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}
