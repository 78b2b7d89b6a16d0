// Rows of the sqlite journal and the records they stand for, both ways. Pure; sqlite-journal.ts binds them.
import { decodeBody, encodeBody } from "./body-codec.ts";
import type {
  AttemptJournalState,
  AttemptRecord,
  EventBody,
  OfferRecord,
  OutputRecord,
  StoredEvent,
  Want,
} from "./journal.ts";
import type { Cell } from "./row-checksum.ts";

export type Row = Record<string, unknown>;

export function attemptCells(a: AttemptRecord): Cell[] {
  return [
    ...[a.fence, a.assignmentId, a.attempt, a.state, a.lastSeq, a.ackedSeq],
    ...[a.want, a.wantReason, a.releaseThroughStep, a.lastEventAtMs],
  ];
}

export function attemptOf(row: Row): AttemptRecord {
  return {
    fence: row.fence as bigint,
    assignmentId: row.assignment_id as string,
    attempt: Number(row.attempt),
    state: row.state as AttemptJournalState,
    lastSeq: row.last_seq as bigint,
    ackedSeq: row.acked_seq as bigint,
    want: row.want as Want,
    wantReason: row.want_reason as string,
    releaseThroughStep: Number(row.release_through_step),
    lastEventAtMs: Number(row.last_event_at_ms),
  };
}

export function offerCells(offer: OfferRecord): Cell[] {
  const { definition, ...rest } = offer;
  return [offer.fence, encodeBody(rest), definition];
}

export function offerOf(row: Row): OfferRecord {
  return { ...decodeBody<OfferRecord>(row.offer as string), definition: row.definition as Uint8Array };
}

export function eventCells(e: StoredEvent): Cell[] {
  return [e.fence, e.seq, e.atMs, e.monotonicMs, e.bootId, encodeBody(e.body)];
}

export function eventOf(attempt: AttemptRecord, row: Row): StoredEvent {
  return {
    assignmentId: attempt.assignmentId,
    attempt: attempt.attempt,
    fence: attempt.fence,
    seq: row.seq as bigint,
    atMs: Number(row.at_ms),
    monotonicMs: row.monotonic_ms as number,
    bootId: row.boot_id as string,
    body: decodeBody<EventBody>(row.body as string),
  };
}

export function outputCells(o: OutputRecord): Cell[] {
  return [o.fence, o.stepId, o.try, o.folder, o.ackedOffset, o.totalBytes ?? null, o.inline ?? null];
}

export function outputOf(row: Row): OutputRecord {
  return {
    fence: row.fence as bigint,
    stepId: row.step_id as string,
    try: Number(row.try),
    folder: row.folder as string,
    ackedOffset: row.acked_offset as bigint,
    totalBytes: (row.total_bytes as bigint | null) ?? undefined,
    inline: (row.inline as Uint8Array | null) ?? undefined,
  };
}
