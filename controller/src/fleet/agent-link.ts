// The seam between the wire and the work, in the controller's own words (generated proto types stay in grpc/).
// `fleet` and `grpc` implement Links and call AgentWork; `automation` implements AgentWork and calls Links.
import type { AssignmentState } from "@opsconductor/contract/states";
import type { Context } from "../context.ts";
import type { DatabaseMark } from "./database-mark.ts";

/** A live Connect stream. Every write that it causes locks `fleet.agent_sessions` for share where epoch = this one. */
export interface AgentSession {
  agentId: string;
  agentName: string;
  epoch: bigint;
}

export interface OfferMessage {
  assignmentId: string;
  attempt: number;
  fence: bigint;
  executionId: string;
  executionNumber: bigint;
  stageId: string;
  definition: Uint8Array;
  definitionSha256: Uint8Array;
  definitionMediaType: string;
  inputsJson: Uint8Array;
  needsOutputsJson: Uint8Array;
  target: { id: string; name: string; servicesJson: Uint8Array; secretNames: string[] };
  startBeforeMs: number;
  releaseThroughStep: number;
  /** Only tell what would change. */
  check: boolean;
}

export interface DesireMessage {
  assignmentId: string;
  attempt: number;
  fence: bigint;
  want: "run" | "hold" | "cancel" | "forget";
  releaseThroughStep: number;
  reason: string;
  /** With forget: the outcome is committed at or before it. */
  mark?: DatabaseMark;
}

/** The controller's end of one agent's stream. Sends never wait; the stream's own flow control applies behind them. */
export interface AgentLink {
  readonly session: AgentSession;
  /** False while the agent is quarantined, draining or says it is degraded, and while dispatch is paused: no offers. */
  readonly takesWork: boolean;
  /** What its hello told of this database: an older backup knows less than the agent. */
  readonly history: "shared" | "paused" | "lost";
  offer(offer: OfferMessage): void;
  desire(desire: DesireMessage): void;
  /** Ends the stream; the agent reconnects unless the code says otherwise. */
  close(code: string, reason: string): void;
}

/** Streams that this controller holds. */
export interface Links {
  get(agentId: string): AgentLink | undefined;
  all(): Iterable<AgentLink>;
}

/** What the agent's journal holds, from hello. */
export interface ReportedAttempt {
  assignmentId: string;
  attempt: number;
  fence: bigint;
  state: string;
  lastSeq: bigint;
}

export type AgentEventBody =
  | { kind: "accepted" }
  | { kind: "denied"; code: string; reason: string }
  | { kind: "tombstone"; code: string }
  | { kind: "tryStarting"; stepId: string; try: number; spawn: number }
  | { kind: "tryStarted"; stepId: string; try: number; spawn: number; pid: number; bootId: string }
  | { kind: "tryAdopted"; stepId: string; try: number; pid: number }
  | {
      kind: "tryFinished";
      stepId: string;
      try: number;
      state: string;
      exitCode: number | undefined;
      signal: string;
      reason: string;
      outputBytes: bigint;
      outputSha256: Uint8Array;
      gaps: { offset: bigint; omittedBytes: bigint }[];
      rawBytes: bigint;
      durationMs: number;
    }
  | { kind: "stepFinished"; stepId: string; state: string; reason: string; outputsJson: Uint8Array; changed: boolean }
  | { kind: "finished"; state: AssignmentState; reason: string }
  | { kind: "held"; nextStepId: string };

export interface AgentEvent {
  assignmentId: string;
  attempt: number;
  fence: bigint;
  seq: bigint;
  atMs: number;
  body: AgentEventBody;
}

export interface OutputPiece {
  assignmentId: string;
  attempt: number;
  fence: bigint;
  stepId: string;
  try: number;
  offset: bigint;
  data: Uint8Array;
}

export type EventReply =
  | { kind: "ack"; fence: bigint; seq: bigint }
  | { kind: "rewind"; fence: bigint; fromSeq: bigint };
export type OutputReply =
  | { kind: "ack"; fence: bigint; stepId: string; try: number; storedBytes: bigint }
  | { kind: "rewind"; fence: bigint; stepId: string; try: number; offset: bigint };

/**
 * What automation does with what agents say. Everything is committed in a transaction that first checks the session; a
 * stale session rejects with StaleSession and the stream is closed. Replies are sent only after the commit. Calls of one
 * session may overlap: they take effect in the order of the calls.
 */
export interface AgentWork {
  /** After Welcome was sent: acknowledge what is stored, send offers the agent did not name again, desires for all. */
  resume(ctx: Context, link: AgentLink, attempts: ReportedAttempt[]): Promise<EventReply[]>;
  recordEvents(ctx: Context, session: AgentSession, events: AgentEvent[]): Promise<EventReply[]>;
  storeOutput(ctx: Context, session: AgentSession, pieces: OutputPiece[]): Promise<OutputReply[]>;
}

/** The stream's epoch is no longer the agent's: a newer stream or another controller took over. */
export class StaleSession extends Error {
  override readonly name = "StaleSession";
}
