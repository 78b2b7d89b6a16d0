// The border between generated messages and the controller's own words. What agents send is checked here once: ids are
// ids, texts are short and without NUL, states are of the closed lists. Called by connect.ts, push-output.ts and
// enrollment-service.ts.
import { OcError } from "@opsconductor/contract/errors";
import { oneLine } from "@opsconductor/contract/one-line";
import type * as wire from "@opsconductor/proto/opsconductor/agent/v1/agent";
import type { CheckpointRow } from "../communication/audit-chain-queries.ts";
import type { HandedCheckpoint } from "../communication/latest-checkpoint.ts";
import type { ReportedFork } from "../communication/report-fork.ts";
import type {
  AgentEvent,
  AgentEventBody,
  DesireMessage,
  EventReply,
  OfferMessage,
  OutputPiece,
  OutputReply,
  ReportedAttempt,
} from "../fleet/agent-link.ts";
import type { IssuedCertificate } from "../fleet/certificate-authority.ts";
import type { DatabaseMark } from "../fleet/database-mark.ts";
import type { EnrollParams, Platform } from "../fleet/enroll-agent.ts";
import type { Vitals } from "../fleet/fleet-link.ts";
import type { Hello } from "../fleet/open-session.ts";

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const finalStates = ["succeeded", "failed", "timed_out", "cancelled", "lost"] as const;
const stepFinalStates = [...finalStates, "skipped"] as const;
const maxReasonLength = 4096;
const maxGaps = 1000;
/** A step writes at most 256 KiB, of which JSON may make six times as much. */
const maxOutputsBytes = 2 * 1024 * 1024;
const maxChunkBytes = 64 * 1024;

// ---- from agents ----------------------------------------------------------------------------------------------

export function toHello(h: wire.Hello): Hello {
  return {
    protocolVersion: count(h.protocolVersion),
    agentVersion: oneLine(text(h.agentVersion, 64)),
    incarnation: text(h.incarnation, 64),
    bootId: text(h.bootId, 64),
    actions: h.actions.slice(0, 256).map((a) => oneLine(text(a, 64))),
    platform: toPlatform(h.platform),
    journalId: text(h.journalId, 64),
    journalPosition: signed(h.journalPosition),
    highestMark: h.highestMark && toMark(h.highestMark),
  };
}

function toMark({ systemId, generation, position, life, seal }: wire.DatabaseMark): DatabaseMark {
  if (seal.length > 64) throw refused("the seal of a mark");
  return {
    systemId: text(systemId, 32),
    generation: count(generation),
    position: signed(position),
    life: text(life, 36),
    seal,
  };
}

function toPlatform(p: wire.Platform | undefined): Platform {
  const { os = "", arch = "", hostname = "", osName = "" } = p ?? {};
  // Shown as names, and no person is there to be refused.
  const line = (value: string, maxLength: number) => oneLine(text(value, maxLength));
  return { os: line(os, 32), arch: line(arch, 32), hostname: line(hostname, 253), osName: line(osName, 200) };
}

export function toReportedAttempt(a: wire.AttemptState): ReportedAttempt {
  const attempt = count(a.attempt);
  return {
    assignmentId: id(a.assignmentId),
    attempt,
    state: text(a.state, 32),
    fence: signed(a.fence),
    lastSeq: signed(a.lastSeq),
  };
}

export function toEvent(e: wire.AttemptEvent): AgentEvent {
  if (!e.body) throw refused("an event of an unknown kind");
  const body = toEventBody(e.body);
  return {
    assignmentId: id(e.assignmentId),
    attempt: count(e.attempt),
    fence: signed(e.fence),
    seq: signed(e.seq),
    atMs: number(e.atMs),
    body,
  };
}

function toEventBody(body: NonNullable<wire.AttemptEvent["body"]>): AgentEventBody {
  switch (body.$case) {
    case "accepted":
      return { kind: "accepted" };
    case "denied":
      return { kind: "denied", code: text(body.value.code, 64), reason: text(body.value.reason, maxReasonLength) };
    case "tombstone":
      return { kind: "tombstone", code: text(body.value.code, 64) };
    case "tryStarting":
      return { kind: "tryStarting", stepId: text(body.value.stepId, 128), ...tryAndSpawn(body.value) };
    case "tryStarted":
      return {
        kind: "tryStarted",
        stepId: text(body.value.stepId, 128),
        ...tryAndSpawn(body.value),
        pid: count(body.value.pid),
        bootId: text(body.value.bootId, 64),
      };
    case "tryAdopted": {
      const { stepId, try: number, pid } = body.value;
      return { kind: "tryAdopted", stepId: text(stepId, 128), try: count(number), pid: count(pid) };
    }
    case "tryFinished":
      return toTryFinished(body.value);
    case "stepFinished":
      return toStepFinished(body.value);
    case "finished":
      return {
        kind: "finished",
        state: oneOf(finalStates, body.value.state),
        reason: text(body.value.reason, maxReasonLength),
      };
    case "held":
      return { kind: "held", nextStepId: text(body.value.nextStepId, 128) };
  }
}

function toTryFinished(v: wire.TryFinished): AgentEventBody {
  if (v.gaps.length > maxGaps) throw refused("too many gaps");
  if (v.outputSha256.length > 32) throw refused("a sha256 of more than 32 bytes");
  return {
    kind: "tryFinished",
    stepId: text(v.stepId, 128),
    try: count(v.try),
    state: oneOf(finalStates, v.state),
    exitCode: v.exitCode,
    signal: text(v.signal, 32),
    reason: text(v.reason, maxReasonLength),
    outputBytes: signed(v.outputBytes),
    outputSha256: v.outputSha256,
    gaps: v.gaps.map((g) => ({ offset: signed(g.offset), omittedBytes: signed(g.omittedBytes) })),
    rawBytes: signed(v.rawBytes),
    durationMs: number(v.durationMs),
  };
}

function toStepFinished(v: wire.StepFinished): AgentEventBody {
  if (v.outputsJson.length > maxOutputsBytes) throw refused("outputs of more than 2 MiB");
  return {
    kind: "stepFinished",
    stepId: text(v.stepId, 128),
    state: oneOf(stepFinalStates, v.state),
    reason: text(v.reason, maxReasonLength),
    outputsJson: v.outputsJson,
    changed: v.changed,
  };
}

export function toOutputPiece(c: wire.OutputChunk): OutputPiece {
  if (c.data.length > maxChunkBytes) throw refused("a chunk of more than 64 KiB");
  return {
    assignmentId: id(c.assignmentId),
    attempt: count(c.attempt),
    fence: signed(c.fence),
    stepId: text(c.stepId, 128),
    try: count(c.try),
    offset: signed(c.offset),
    data: c.data,
  };
}

/** `nowMs`: our clock at its arrival. */
export function toVitals(h: wire.Heartbeat, nowMs: number): Vitals {
  const clock = h.atMs === 0n ? {} : { clockOffsetMs: number(h.atMs) - nowMs };
  return {
    ...clock,
    load1: finite(h.load1),
    cpuFraction: finite(h.cpuFraction),
    memoryUsedBytes: number(h.memoryUsedBytes),
    memoryTotalBytes: number(h.memoryTotalBytes),
    runningAttempts: h.runningAttempts,
    spooledBytes: number(h.spooledBytes),
    degraded: oneLine(text(h.degraded, 500)),
  };
}

export function toEnrollParams(r: wire.EnrollRequest): EnrollParams {
  return {
    tokenId: text(r.tokenId, 64),
    tokenSecret: r.tokenSecret,
    csrDer: r.csrDer,
    identityKey: r.identityKey,
    sealingKey: r.sealingKey,
    signature: r.signature,
    name: text(r.name, 128),
    platform: toPlatform(r.platform),
    agentVersion: oneLine(text(r.agentVersion, 64)),
    protocolVersion: count(r.protocolVersion),
  };
}

// ---- to agents ------------------------------------------------------------------------------------------------

export function fromOffer(o: OfferMessage): wire.Offer {
  return {
    assignmentId: o.assignmentId,
    attempt: o.attempt,
    fence: o.fence,
    definition: bytes(o.definition),
    definitionSha256: bytes(o.definitionSha256),
    definitionMediaType: o.definitionMediaType,
    signatures: [],
    stageId: o.stageId,
    inputsJson: bytes(o.inputsJson),
    needsOutputsJson: bytes(o.needsOutputsJson),
    target: {
      id: o.target.id,
      name: o.target.name,
      servicesJson: bytes(o.target.servicesJson),
      secretNames: o.target.secretNames,
    },
    startBeforeMs: BigInt(Math.round(o.startBeforeMs)),
    releaseThroughStep: o.releaseThroughStep,
    executionId: o.executionId,
    executionNumber: o.executionNumber,
    check: o.check,
  };
}

export function fromDesire(d: DesireMessage): wire.Desire {
  return { ...d, mark: fromMark(d.mark) };
}

export function fromEventReply(reply: EventReply): wire.ControllerMessage {
  const { fence } = reply;
  return reply.kind === "ack"
    ? { body: { $case: "eventAck", value: { fence, seq: reply.seq } } }
    : { body: { $case: "eventRewind", value: { fence, fromSeq: reply.fromSeq } } };
}

export function fromOutputReply(reply: OutputReply): wire.OutputReply {
  const { fence, stepId, try: tryNumber } = reply;
  return reply.kind === "ack"
    ? { body: { $case: "ack", value: { fence, stepId, try: tryNumber, storedBytes: reply.storedBytes } } }
    : { body: { $case: "rewind", value: { fence, stepId, try: tryNumber, offset: reply.offset } } };
}

export function fromMark(mark: DatabaseMark | undefined): wire.DatabaseMark | undefined {
  return mark && { ...mark, seal: Buffer.from(mark.seal) };
}

export function fromCertificate(c: IssuedCertificate): wire.Certificate {
  return {
    chainPem: Buffer.from(c.chainPem),
    caBundlePem: Buffer.from(c.bundlePem),
    serial: c.serial,
    notAfterMs: BigInt(c.notAfter.getTime()),
  };
}

// ---- values ---------------------------------------------------------------------------------------------------

function id(value: string): string {
  if (!uuid.test(value)) throw refused("an id that is no UUID");
  return value;
}

/**
 * PostgreSQL stores neither NUL nor the half of a character that a cut may leave: a host that sends one must not make
 * its own events impossible to store, nor a statement that carries the words of many.
 */
function text(value: string, maxLength: number): string {
  return value.slice(0, maxLength).replaceAll("\0", "").toWellFormed();
}

function oneOf<T extends string>(list: readonly T[], value: string): T {
  if (!(list as readonly string[]).includes(value)) throw refused(`the state ${JSON.stringify(value.slice(0, 40))}`);
  return value as T;
}

/** PostgreSQL's bigint ends where the wire's uint64 is half way. */
function signed(value: bigint): bigint {
  if (value < 0n || value > 0x7fff_ffff_ffff_ffffn) throw refused("a number beyond 63 bits");
  return value;
}

/** Figures for people: exact as long as a double is. */
function number(value: bigint): number {
  return Number(value);
}

function finite(value: number): number {
  return Number.isFinite(value) ? value : 0;
}

function bytes(value: Uint8Array): Buffer {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

/** PostgreSQL's integer ends where the wire's uint32 is half way. */
function count(value: number): number {
  if (value > 0x7fff_ffff) throw refused("a number beyond 31 bits");
  return value;
}

function tryAndSpawn(v: { try: number; spawn: number }): { try: number; spawn: number } {
  return { try: count(v.try), spawn: count(v.spawn) };
}

function refused(what: string): OcError {
  return new OcError("invalid_argument", `The agent sent ${what}`);
}

export function fromCheckpoint(c: HandedCheckpoint, generation: number): wire.AuditCheckpoint {
  const { position, hash, at, keyId, signature, publicKey } = c;
  return { position, hash, at, keyId, signature, publicKey, generation };
}

export function toCheckpoint(c: wire.AuditCheckpoint): CheckpointRow {
  if (c.hash.length !== 32 || c.signature.length !== 64) throw refused("a checkpoint that is none");
  return {
    position: signed(c.position),
    hash: c.hash,
    at: text(c.at, 40),
    keyId: text(c.keyId, 64),
    signature: c.signature,
  };
}

const forkKinds = ["other_hash", "backwards", "other_key"] as const;

export function toFork({ kind, kept, told, noticedAtMs }: wire.AuditFork): ReportedFork {
  const known = forkKinds.find((k) => k === kind);
  if (!known || !kept || !told) throw refused("a fork that is none");
  return { kind: known, kept: toCheckpoint(kept), told: toCheckpoint(told), noticedAt: new Date(number(noticedAtMs)) };
}
