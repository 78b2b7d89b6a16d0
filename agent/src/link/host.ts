// The seam between the link and the work on this host. The runner implements Host; the link calls it and never
// touches journal or processes itself. Everything here is in the agent's own words; proto types stay in link/.
import type { AttemptKey, OfferRecord, StoredEvent } from "../journal/journal.ts";

export type OfferMessage = Omit<OfferRecord, "acceptedAtMs"> & { releaseThroughStep: number };

export interface DesireMessage extends AttemptKey {
  fence: bigint;
  want: "run" | "hold" | "cancel" | "forget";
  releaseThroughStep: number;
  reason: string;
}

export interface OutputSource extends AttemptKey {
  fence: bigint;
  stepId: string;
  try: number;
  /** Bytes of the redacted, capped stream that can be read now. */
  availableBytes: bigint;
  ackedBytes: bigint;
  /** The stream is complete: availableBytes is its total. */
  ended: boolean;
}

export interface Host {
  journalId(): string;
  journalPosition(): bigint;
  bootId(): string;
  actions(): string[];
  /** Empty when healthy, else why no work is taken. */
  degraded(): string;
  /** Everything not yet forgotten, for Hello. */
  attempts(): { assignmentId: string; attempt: number; fence: bigint; state: string; lastSeq: bigint }[];

  /** `controllerNowMs`: the controller's clock, estimated by the link, against which start_before is judged. */
  receiveOffer(offer: OfferMessage, controllerNowMs: number): void;
  receiveDesire(desire: DesireMessage): void;

  /** Stored events of one attempt after `seq`, oldest first. */
  eventsAfter(fence: bigint, seq: bigint, limit: number): StoredEvent[];
  acknowledgeEvents(fence: bigint, seq: bigint): void;

  outputSources(): OutputSource[];
  /** Reads the stream from any offset that is not yet acknowledged. At most `maxBytes`. */
  readOutput(source: OutputSource, offset: bigint, maxBytes: number): Promise<Uint8Array>;
  acknowledgeOutput(fence: bigint, stepId: string, tryNumber: number, storedBytes: bigint): void;

  /** Called whenever events or output may be there to send: coalesced, never per byte. */
  onReady(listener: () => void): void;
  /** Called when `degraded` has come or gone: the controller should hear it now and not at the next heartbeat. */
  onDegraded(listener: () => void): void;

  facts(): Promise<Record<string, unknown>>;
  vitals(): {
    runningAttempts: number;
    spooledBytes: bigint;
    load1: number;
    cpuFraction: number;
    memoryUsedBytes: number;
    memoryTotalBytes: number;
  };
}
