// EnrollmentService on 3444: for hosts without a valid certificate. Unary, 16 KiB, rate limited by address. Registered by
// start-listeners.ts; the verbs are in fleet/.
import type { ServerUnaryCall, sendUnaryData } from "@grpc/grpc-js";
import { OcError } from "@opsconductor/contract/errors";
import type {
  ChallengeRequest,
  ChallengeResponse,
  EnrollmentServiceServer,
  EnrollRequest,
  EnrollResponse,
  ReauthenticateRequest,
  ReauthenticateResponse,
} from "@opsconductor/proto/opsconductor/agent/v1/agent";
import type { Context } from "../context.ts";
import { enrollAgent } from "../fleet/enroll-agent.ts";
import { challengeAgent, reauthenticateAgent } from "../fleet/reauthenticate-agent.ts";
import { fromCertificate, toEnrollParams } from "./convert.ts";
import type { Listener } from "./listener.ts";
import { RateLimit } from "./rate-limit.ts";
import { statusOf } from "./status.ts";

/** What hosts are told to dial, as host:port. */
export interface DialAddresses {
  agentAddress: string;
  apiAddress: string;
}

/** A data centre that comes up behind one address enrols within a minute; a guess at a 32-byte secret never. */
const perAddress = { burst: 200, perSecond: 20 };

export function enrollmentService(
  ctx: Context,
  listener: Listener,
  addresses: () => DialAddresses,
): EnrollmentServiceServer {
  const limit = new RateLimit(perAddress);
  const handle = <Req, Res>(method: string, answer: (request: Req, address: string) => Promise<Res>) =>
    unary(ctx, listener, limit, method, answer);
  return {
    enroll: handle<EnrollRequest, EnrollResponse>("Enroll", async (request, address) => {
      const { certificate, agentId, agentName, clusterId } = await enrollAgent(ctx, address, toEnrollParams(request));
      const { agentAddress, apiAddress } = addresses();
      return { agentId, agentName, clusterId, agentAddress, apiAddress, certificate: fromCertificate(certificate) };
    }),
    challenge: handle<ChallengeRequest, ChallengeResponse>("Challenge", async ({ agentId }) => ({
      nonce: await challengeAgent(ctx, agentId),
    })),
    reauthenticate: handle<ReauthenticateRequest, ReauthenticateResponse>("Reauthenticate", async (proof, address) => ({
      certificate: fromCertificate(await reauthenticateAgent(ctx, address, proof)),
    })),
  };
}

function unary<Req, Res>(
  ctx: Context,
  listener: Listener,
  limit: RateLimit,
  method: string,
  answer: (request: Req, address: string) => Promise<Res>,
) {
  return (call: ServerUnaryCall<Req, Res>, reply: sendUnaryData<Res>): void => {
    const address = listener.connectionOf(call.getPeer())?.address ?? "unknown";
    const refused = new OcError("rate_limited", "Too many calls from this address: wait a few seconds");
    const result = limit.take(address, performance.now()) ? answer(call.request, address) : Promise.reject(refused);
    result.then(
      (value) => reply(null, value),
      (error: unknown) => reply(statusOf(ctx.log, error, method)),
    );
  };
}
