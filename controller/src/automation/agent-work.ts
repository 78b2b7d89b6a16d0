// The automation side of the seam to the agents' streams: each call joins a lane, so that many agents share transactions,
// and answers when its part is committed. Built by automation.ts; called by grpc/.
import type { AgentLink, AgentWork, EventReply, OutputReply } from "../fleet/agent-link.ts";
import { createLane, type Lane } from "./batch-lane.ts";
import { type EventEntry, recordEventBatch } from "./record-events.ts";
import type { Recorder } from "./recorder.ts";
import { resumeAgent } from "./resume-agent.ts";
import { type OutputEntry, storeOutputBatch } from "./store-output.ts";

const maxEventsPerBatch = 1000;
const maxBytesPerBatch = 4 * 1024 * 1024;

export interface AutomationWork extends AgentWork {
  /** Waits until everything handed in is committed or refused. */
  idle(): Promise<void>;
}

export function createAgentWork(recorder: Recorder): AutomationWork {
  const events: Lane<EventEntry, EventReply[]> = createLane({
    weigh: (entry) => entry.events.length,
    maxWeight: maxEventsPerBatch,
    run: (entries) => recordEventBatch(recorder, entries),
    isContentError,
  });
  const output: Lane<OutputEntry, OutputReply[]> = createLane({
    weigh: (entry) => entry.pieces.reduce((bytes, p) => bytes + p.data.length, 0),
    maxWeight: maxBytesPerBatch,
    run: (entries) => storeOutputBatch(recorder, entries),
    isContentError,
  });
  const recording = new Map<string, Promise<unknown>>();

  return {
    resume: (_ctx, link: AgentLink, attempts) => resumeAgent(recorder, link, attempts),
    recordEvents(_ctx, session, list) {
      const recorded = events.push({ session, events: list });
      remember(recording, session.agentId, recorded);
      return recorded;
    },
    async storeOutput(_ctx, session, pieces) {
      // The first bytes of a try often arrive while the event that tells of the try is being committed.
      await recording.get(session.agentId);
      return await output.push({ session, pieces });
    },
    async idle() {
      await Promise.all([events.idle(), output.idle()]);
    },
  };
}

/** Keeps the newest call under way of an agent; its failure is its caller's to handle. */
function remember(recording: Map<string, Promise<unknown>>, agentId: string, call: Promise<unknown>): void {
  const settled = call
    .catch(() => undefined)
    .then(() => {
      if (recording.get(agentId) === settled) recording.delete(agentId);
    });
  recording.set(agentId, settled);
}

/** Classes of SQLSTATE that mean: these values, not this database. 22 data, 23 constraint, 54 limits. */
function isContentError(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return typeof code === "string" && /^(22|23|54)/.test(code);
}
