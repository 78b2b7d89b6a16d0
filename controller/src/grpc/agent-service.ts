// AgentService on 3443: everything that needs a client certificate. Registered by start-listeners.ts.
import type { AgentServiceServer } from "@opsconductor/proto/opsconductor/agent/v1/agent";
import { renewCertificate } from "../fleet/renew-certificate.ts";
import { type ConnectParts, handleConnect } from "./connect.ts";
import { fromCertificate } from "./convert.ts";
import { identify } from "./peer.ts";
import { handlePushOutput } from "./push-output.ts";
import { statusOf } from "./status.ts";

export function agentService(parts: ConnectParts): AgentServiceServer {
  const { ctx, listener } = parts;
  return {
    connect: (call) => handleConnect(parts, call),
    pushOutput: (call) => handlePushOutput(parts, call),
    renewCertificate: (call, reply) => {
      const renew = async () => {
        const { peer } = identify(call, listener, ctx.clusterId, ctx.now());
        return { certificate: fromCertificate(await renewCertificate(ctx, peer, call.request.csrDer)) };
      };
      renew().then(
        (value) => reply(null, value),
        (error: unknown) => reply(statusOf(ctx.log, error, "RenewCertificate")),
      );
    },
  };
}
