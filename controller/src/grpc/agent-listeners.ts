// The gRPC ports 3443 and 3444 and the presence of agents. A service of main.ts, started after the work that it serves.
import { Gauge } from "prom-client";
import { publicAgentAddr, publicApiAddr } from "../addresses.ts";
import { registerFleetMetrics } from "../fleet/fleet-metrics.ts";
import { LinkRegistry } from "../fleet/links.ts";
import { Presence } from "../fleet/presence.ts";
import type { Service } from "../service.ts";
import type { AgentStream } from "./agent-stream.ts";
import { type Listeners, startListeners } from "./start-listeners.ts";

export const agentListeners: Service = {
  name: "agent listeners",
  async start(ctx) {
    const links = new LinkRegistry<AgentStream>();
    const presence = new Presence(ctx, links);
    await presence.start();
    const listeners: Listeners = await startListeners(ctx, {
      work: ctx.automation.work,
      links,
      presence,
      addresses: () => ({
        agentAddress: publicAgentAddr(withPorts(ctx.config, listeners)),
        apiAddress: publicApiAddr(withPorts(ctx.config, listeners)),
      }),
    });
    ctx.automation.useLinks(links);
    registerFleetMetrics(ctx);
    new Gauge({
      name: "oc_agents_connected",
      help: "Agents whose stream this controller holds.",
      registers: [ctx.metrics],
      collect() {
        this.set(links.size);
      },
    });
    return { stop: () => listeners.stop() };
  },
};

/** The ports that were bound: 0 may have been asked for. */
function withPorts<C extends { agentAddr: { host: string }; apiAddr: { host: string } }>(config: C, bound: Listeners) {
  return {
    ...config,
    agentAddr: { host: config.agentAddr.host, port: bound.agentPort },
    apiAddr: { host: config.apiAddr.host, port: bound.apiPort },
  };
}
