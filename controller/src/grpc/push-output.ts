// PushOutput: bulk output of one agent, stored in batches and acknowledged after the commit. Registered by
// agent-service.ts beside Connect, whose session it belongs to.
import type { ServerDuplexStream } from "@grpc/grpc-js";
import { OcError } from "@opsconductor/contract/errors";
import type { OutputMessage, OutputReply } from "@opsconductor/proto/opsconductor/agent/v1/agent";
import { type OutputPiece, StaleSession } from "../fleet/agent-link.ts";
import type { AgentStream } from "./agent-stream.ts";
import { Batches } from "./batches.ts";
import { type ConnectParts, outputCreditBytes } from "./connect.ts";
import { fromOutputReply, toOutputPiece } from "./convert.ts";
import { MemoryBudget, ReadGate } from "./memory-budget.ts";
import { identify } from "./peer.ts";
import { endWithError, orFail } from "./status.ts";

export type OutputCall = ServerDuplexStream<OutputMessage, OutputReply>;

const helloWithinMs = 10_000;
const limits = { maxBytes: 1024 * 1024, maxItems: 4096, maxCommits: 4, pauseBytes: 1024 * 1024, pauseItems: 8192 };
/** What an agent may have on the way beyond its credit: chunks that crossed a rewind. */
const creditSlackBytes = 1024 * 1024;
/** Of a chunk, beside its bytes. */
const overheadBytes = 128;
/** All output that waits for its commit, of all agents together. */
const budget = new MemoryBudget(64 * 1024 * 1024);

export function handlePushOutput(parts: ConnectParts, call: OutputCall): void {
  const { ctx, links, listener } = parts;
  const fail = (error: unknown) => endWithError(call, ctx.log, error, "PushOutput");
  const from = orFail(fail, () => identify(call, listener, ctx.clusterId, ctx.now()));
  if (!from) return;
  const tooLate = setTimeout(() => fail(new OcError("invalid_argument", "No hello within 10 s")), helloWithinMs);
  call.once("close", () => clearTimeout(tooLate));
  call.once("data", ({ body }: OutputMessage) => {
    clearTimeout(tooLate);
    const stream = links.get(from.peer.agentId);
    const epoch = body?.$case === "hello" ? body.value.sessionEpoch : undefined;
    // The certificate was judged when the session opened; here it must be the very same one.
    if (stream && stream.session.epoch === epoch && stream.serial === from.peer.serial) receive(parts, call, stream);
    else fail(new OcError("failed_precondition", "The session is over: output belongs to the newest Connect stream"));
  });
}

function receive(parts: ConnectParts, call: OutputCall, stream: AgentStream): void {
  const { ctx, work } = parts;
  const fail = (error: unknown) => {
    endWithError(call, ctx.log, asStatus(error), "PushOutput"); // before the close, which ends the call with success
    if (error instanceof StaleSession) stream.close("superseded", error.message);
  };
  const gate = new ReadGate(call);
  const share = budget.share(gate);
  const batches = new Batches<OutputPiece>(limits, {
    commit: async (pieces) => {
      const replies = await work.storeOutput(ctx, stream.session, pieces);
      for (const reply of replies) call.write(fromOutputReply(reply));
      share(batches.heldBytes);
    },
    pressure: (pressed) => (pressed ? gate.hold("batches") : gate.release("batches")),
    error: fail,
  });
  const stopListening = stream.onClosed(() => call.end());
  call.once("end", () => call.end());
  call.once("close", () => {
    stopListening();
    batches.close();
    share(0);
  });
  batches.start();
  call.on("data", ({ body }: OutputMessage) => {
    if (stream.closed || body?.$case !== "chunk") return;
    stream.heardAtMs = performance.now();
    const piece = orFail(fail, () => toOutputPiece(body.value));
    if (!piece) return;
    batches.push(piece, piece.data.length + overheadBytes);
    share(batches.heldBytes);
    if (batches.heldBytes > outputCreditBytes + creditSlackBytes)
      fail(new OcError("rate_limited", "More output was sent than the credit allows"));
  });
}

function asStatus(error: unknown): unknown {
  return error instanceof StaleSession ? new OcError("failed_precondition", error.message) : error;
}
