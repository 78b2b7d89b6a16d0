// The automation side of the seam to the agents' streams: each call joins a lane, so that many agents share transactions,
// and answers when its part is committed. Built by automation.ts; called by grpc/.
import type { AgentEventBody, AgentWork, OutputPiece } from "../fleet/agent-link.ts";
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
/** Three chunks of one stream, which hands in four at most before the first is stored; the rest is sent meanwhile. */
const fullBulkBytes = 192 * kilobyte;

export interface AutomationWork extends AgentWork {
  /** Waits until everything handed in is committed or refused. */
  idle(): Promise<void>;
}

export function createAgentWork(recorder: Recorder): AutomationWork {
  return new LanedWork(recorder);
}

interface OutputCalls {
  lane: Lane<RecordEntry, RecordReplies>;
  count: number;
  /** The end of what was handed in last: of all before it, too. */
  latest: Promise<unknown>;
  /** What is handed in from now on waits for this: another lane holds what comes before it. */
  ready: Promise<unknown> | undefined;
}

class LanedWork implements AutomationWork {
  private readonly recorder: Recorder;
  private readonly lane: Lane<RecordEntry, RecordReplies>;
  private readonly bulkLane: Lane<RecordEntry, RecordReplies>;
  /** The lane that output of an agent is in, and how many calls: what follows stays behind them, in order. */
  private readonly outputCalls = new Map<string, OutputCalls>();

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
    this.bulkLane = createLane({ ...common, isUrgent, lingerMs, fullWeight: fullBulkBytes });
  }

  resume: AgentWork["resume"] = (_ctx, link, attempts) => resumeAgent(this.recorder, link, attempts);

  recordEvents: AgentWork["recordEvents"] = async (_ctx, session, events) =>
    (await this.lane.push({ session, events, pieces: [] })).events;

  storeOutput: AgentWork["storeOutput"] = async (_ctx, session, pieces) => {
    const { agentId } = session;
    const lane = bytesOf(pieces) >= bulkBytes ? this.bulkLane : this.lane;
    const calls = this.outputCalls.get(agentId) ?? { lane, count: 0, latest: Promise.resolve(), ready: undefined };
    this.outputCalls.set(agentId, calls);
    // Much output often begins with little: all of it would stay in the lane of events, in commits of a little each.
    if (lane === this.bulkLane && calls.lane !== lane) Object.assign(calls, { lane, ready: calls.latest });
    calls.count += 1;
    try {
      const stored = this.push(calls, { session, events: [], pieces });
      calls.latest = stored.catch(() => undefined); // its caller hears of it
      return (await stored).output;
    } finally {
      calls.count -= 1;
      if (calls.count === 0) this.outputCalls.delete(agentId);
    }
  };

  private async push({ lane, ready }: OutputCalls, entry: RecordEntry): Promise<RecordReplies> {
    await ready;
    return await lane.push(entry);
  }

  async idle(): Promise<void> {
    do await Promise.all([this.lane.idle(), this.bulkLane.idle()]);
    while (this.outputCalls.size > 0); // on its way from one lane to the other
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
