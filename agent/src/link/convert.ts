// The border between generated messages and the agent's own words. Used by session.ts and the senders.
import type * as wire from "@opsconductor/proto/opsconductor/agent/v1/agent";
import type { EventBody, StoredEvent } from "../journal/journal.ts";
import type { DesireMessage, Host, OfferMessage, OutputSource } from "./host.ts";

export function toOffer(o: wire.Offer): OfferMessage {
  const { id = "", name = "", servicesJson = Buffer.from("[]"), secretNames = [] } = o.target ?? {};
  return {
    assignmentId: o.assignmentId,
    attempt: o.attempt,
    fence: o.fence,
    executionId: o.executionId,
    executionNumber: o.executionNumber,
    stageId: o.stageId,
    definition: o.definition,
    definitionMediaType: o.definitionMediaType,
    definitionSha256: o.definitionSha256,
    inputsJson: o.inputsJson,
    needsOutputsJson: o.needsOutputsJson,
    target: { id, name, servicesJson, secretNames },
    startBeforeMs: Number(o.startBeforeMs),
    releaseThroughStep: o.releaseThroughStep,
    check: o.check,
  };
}

const wants = ["run", "hold", "cancel", "forget"] as const;

/** Undefined for a wish that only a newer agent understands. */
export function toDesire(d: wire.Desire): DesireMessage | undefined {
  const want = wants.find((w) => w === d.want);
  if (want === undefined) return undefined;
  const { assignmentId, attempt, fence, releaseThroughStep, reason } = d;
  return { assignmentId, attempt, fence, want, releaseThroughStep, reason };
}

export function fromEvent(e: StoredEvent): wire.AttemptEvent {
  const { assignmentId, attempt, fence, seq } = e;
  return { assignmentId, attempt, fence, seq, atMs: BigInt(Math.round(e.atMs)), body: fromBody(e.body) };
}

function fromBody(body: EventBody): wire.AttemptEvent["body"] {
  switch (body.kind) {
    case "accepted":
      return { $case: "accepted", value: {} };
    case "denied":
      return { $case: "denied", value: { code: body.code, reason: body.reason } };
    case "tombstone":
      return { $case: "tombstone", value: { code: body.code } };
    case "tryStarting":
      return { $case: "tryStarting", value: { stepId: body.stepId, try: body.try, spawn: body.spawn } };
    case "tryStarted": {
      const { stepId, try: tryNumber, spawn, pid, bootId } = body;
      return { $case: "tryStarted", value: { stepId, try: tryNumber, spawn, pid, bootId } };
    }
    case "tryAdopted":
      return { $case: "tryAdopted", value: { stepId: body.stepId, try: body.try, pid: body.pid } };
    case "tryFinished":
      return { $case: "tryFinished", value: fromTryFinished(body) };
    case "stepFinished": {
      const { stepId, state, reason, outputsJson, changed } = body;
      return { $case: "stepFinished", value: { stepId, state, reason, outputsJson: bytes(outputsJson), changed } };
    }
    case "finished":
      return { $case: "finished", value: { state: body.state, reason: body.reason } };
    case "held":
      return { $case: "held", value: { nextStepId: body.nextStepId } };
  }
}

function fromTryFinished(body: Extract<EventBody, { kind: "tryFinished" }>): wire.TryFinished {
  return {
    stepId: body.stepId,
    try: body.try,
    state: body.state,
    exitCode: body.exitCode,
    signal: body.signal,
    reason: body.reason,
    outputBytes: body.outputBytes,
    outputSha256: bytes(body.outputSha256),
    gaps: body.gaps,
    rawBytes: body.rawBytes,
    durationMs: BigInt(Math.round(body.durationMs)),
  };
}

export function fromChunk(source: OutputSource, offset: bigint, data: Uint8Array): wire.OutputMessage {
  const { assignmentId, attempt, fence, stepId, try: tryNumber } = source;
  const value = { assignmentId, attempt, fence, stepId, try: tryNumber, offset, data: bytes(data) };
  return { body: { $case: "chunk", value } };
}

export function fromVitals(host: Host, sequence: bigint): wire.Heartbeat {
  const v = host.vitals();
  return {
    sequence,
    atMs: BigInt(Date.now()),
    runningAttempts: v.runningAttempts,
    spooledBytes: v.spooledBytes,
    load1: v.load1,
    cpuFraction: v.cpuFraction,
    memoryUsedBytes: BigInt(Math.round(v.memoryUsedBytes)),
    memoryTotalBytes: BigInt(Math.round(v.memoryTotalBytes)),
    degraded: host.degraded(),
    auditFork: undefined,
  };
}

function bytes(value: Uint8Array): Buffer {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
