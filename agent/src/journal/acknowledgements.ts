// Acknowledgements that wait for the next commit; every journal keeps them so, because one disk sync each would cost
// more than sending a few events again after a crash.

import type { OutputRecord } from "./journal.ts";
import type { JournalIndex } from "./journal-index.ts";

export class Acknowledgements {
  readonly events = new Map<bigint, bigint>();
  readonly outputs = new Map<string, { fence: bigint; stepId: string; try: number; bytes: bigint }>();

  noteEvents(index: JournalIndex, fence: bigint, seq: bigint): void {
    const attempt = index.attempts.get(fence);
    if (attempt === undefined || seq <= attempt.ackedSeq) return;
    index.attempts.set(fence, { ...attempt, ackedSeq: seq < attempt.lastSeq ? seq : attempt.lastSeq });
    this.events.set(fence, seq);
  }

  noteOutput(fence: bigint, stepId: string, tryNumber: number, bytes: bigint): void {
    this.outputs.set(outputKey(fence, stepId, tryNumber), { fence, stepId, try: tryNumber, bytes });
  }

  /** The record with what was noted since it was written. */
  applied(output: OutputRecord): OutputRecord {
    const noted = this.outputs.get(outputKey(output.fence, output.stepId, output.try));
    return noted === undefined || noted.bytes <= output.ackedOffset ? output : { ...output, ackedOffset: noted.bytes };
  }

  clear(): void {
    this.events.clear();
    this.outputs.clear();
  }
}

export function outputKey(fence: bigint, stepId: string, tryNumber: number): string {
  return `${fence}/${stepId}/${tryNumber}`;
}
