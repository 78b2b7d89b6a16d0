// The automation side of the seam to the agents' streams: each call joins a lane, so that many agents share transactions,
// and answers when its part is committed. Built by automation.ts; called by grpc/.
import type { AgentEventBody, AgentSession, AgentWork, OutputPiece } from "../fleet/agent-link.ts";
import { createLane, type Lane } from "./batch-lane.ts";
import { type RecordEntry, type RecordReplies, recordBatch } from "./record-batch.ts";
import type { Recorder } from "./recorder.ts";
import { resumeAgent } from "./resume-agent.ts";

const kilobyte = 1024;
/** Rows of events cost about what a kilobyte of output does. */
const eventWeight = kilobyte;
const maxWeight = 4096 * kilobyte;
/** Output of this size has a lane of its own, so that it delays no events of others. */
const bulkBytes = 64 * kilobyte;
/** A person sees no difference; a short step is recorded in one commit, and half the commits are saved. */
const lingerMs = 8;

export interface AutomationWork extends AgentWork {
  /** Waits until everything handed in is committed or refused. */
  idle(): Promise<void>;
}

export function createAgentWork(recorder: Recorder): AutomationWork {
  return new LanedWork(recorder);
}

class LanedWork implements AutomationWork {
  private readonly recorder: Recorder;
  private readonly lane: Lane<RecordEntry, RecordReplies>;
  private readonly bulkLane: Lane<RecordEntry, RecordReplies>;
  /** Calls of an agent in the bulk lane: what follows stays behind them. */
  private readonly bulkCalls = new Map<string, number>();

  constructor(recorder: Recorder) {
    this.recorder = recorder;
    const common = {
      weigh: (entry: RecordEntry) => entry.events.length * eventWeight + bytesOf(entry.pieces),
      maxWeight,
      run: (entries: RecordEntry[]) => recordBatch(recorder, entries),
      isContentError,
    };
    const isUrgent = (entry: RecordEntry) =>
      entry.events.some((e) => isFinal(e.body)) ||
      entry.pieces.some((p) => recorder.awaitingOutput.get(p.assignmentId) !== undefined);
    this.lane = createLane({ ...common, isUrgent, lingerMs, fullWeight: bulkBytes });
    this.bulkLane = createLane({ ...common, isUrgent: () => true, lingerMs: 0, fullWeight: 0 });
  }

  resume: AgentWork["resume"] = (_ctx, link, attempts) => resumeAgent(this.recorder, link, attempts);

  recordEvents: AgentWork["recordEvents"] = async (_ctx, session, events) =>
    (await this.lane.push({ session, events, pieces: [] })).events;

  storeOutput: AgentWork["storeOutput"] = async (_ctx, session, pieces) => {
    const isBulk = bytesOf(pieces) >= bulkBytes || this.bulkCalls.has(session.agentId);
    if (!isBulk) return (await this.lane.push({ session, events: [], pieces })).output;
    return (await this.pushBulk(session, pieces)).output;
  };

  async idle(): Promise<void> {
    await Promise.all([this.lane.idle(), this.bulkLane.idle()]);
  }

  private async pushBulk(session: AgentSession, pieces: OutputPiece[]): Promise<RecordReplies> {
    const { agentId } = session;
    this.bulkCalls.set(agentId, (this.bulkCalls.get(agentId) ?? 0) + 1);
    try {
      return await this.bulkLane.push({ session, events: [], pieces });
    } finally {
      const left = this.bulkCalls.get(agentId)! - 1;
      if (left > 0) this.bulkCalls.set(agentId, left);
      else this.bulkCalls.delete(agentId);
    }
  }
}

const bytesOf = (pieces: readonly OutputPiece[]): number => pieces.reduce((sum, p) => sum + p.data.length, 0);

function isFinal({ kind }: AgentEventBody): boolean {
  return kind === "finished" || kind === "denied" || kind === "tombstone";
}

/** Classes of SQLSTATE that mean: these values, not this database. 22 data, 23 constraint, 54 limits. */
function isContentError(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return typeof code === "string" && /^(22|23|54)/.test(code);
}
