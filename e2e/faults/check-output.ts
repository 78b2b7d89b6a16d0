// Invariants 1 and 4 over bytes: stored output is contiguous, is what the agent hashed, and is what the step must have
// printed, made again from its seed; a gap says exactly how much is missing. Pure; called by check-invariants.ts.
import { createHash } from "node:crypto";
import type { Evidence, StoredChunk, TryEvidence, Violation } from "./evidence.ts";
import type { EvidenceIndex } from "./index-evidence.ts";
import { type LedgerEnd, tryKey } from "./ledger.ts";
import { expectedOutput, type JobPlan } from "./workload.ts";

export function checkOutput(evidence: Evidence, index: EvidenceIndex): Violation[] {
  return evidence.tries.flatMap((row) => {
    const chunks = evidence.readOutput(row);
    const subject = `output of ${tryKey(row)}`;
    const wrongs = [...judgeOffsets(row, chunks), ...judgeBytes(row, Buffer.concat(chunks.map((c) => c.bytes)), index)];
    return wrongs.map(([invariant, what]): Violation => ({ invariant, subject, what }));
  });
}

type Wrong = [Violation["invariant"], string];

function judgeOffsets(row: TryEvidence, chunks: StoredChunk[]): Wrong[] {
  const wrong: Wrong[] = [];
  let next = 0;
  for (const { offset, bytes } of chunks) {
    if (offset !== next) wrong.push([4, `a row begins at ${offset}, and ${next} is what follows`]);
    next = offset + bytes.length;
  }
  if (next !== row.storedBytes) wrong.push([4, `${next} bytes are stored, and the try counts ${row.storedBytes}`]);
  if (row.outputBytes !== next) wrong.push([4, `${next} bytes are stored, and the agent named ${row.outputBytes}`]);
  return wrong;
}

function judgeBytes(row: TryEvidence, stored: Buffer, index: EvidenceIndex): Wrong[] {
  const planned = index.planOf(row.assignment, row.step);
  if (planned === undefined) return []; // said by check-outcomes.ts
  const wrong: Wrong[] = [];
  if (sha256(stored) !== row.outputSha256)
    wrong.push([4, `its sha256 is ${sha256(stored)}, and the agent said ${row.outputSha256}`]);
  const { asked, job, step, target, item } = planned;
  const all = expectedOutput(asked.plan, step, target, row.try, item);
  const end = index.ends.get(tryKey(row))?.[0];
  if (end) wrong.push(...judgeLedger(end, all));
  wrong.push(...judgeRaw(row, end, all.length));
  const kept = keptOf(row, all);
  if (kept === undefined || !kept.equals(stored))
    wrong.push([1, `is not what the step printed${kept ? firstDifference(kept, stored) : ""}`]);
  return [...wrong, ...judgeGaps(row, job)];
}

/** The step itself printed what its seed says: else nothing here proves anything. */
function judgeLedger(end: LedgerEnd, all: Buffer): Wrong[] {
  const printed = all.subarray(0, end.bytes);
  if (printed.length === end.bytes && sha256(printed) === end.sha256) return [];
  return [[1, `the step printed ${end.bytes} bytes with sha256 ${end.sha256}, which its seed does not make`]];
}

/** How much it printed, as the agent counted. Of a try that was lost a part may be lost in the pipe. */
function judgeRaw(row: TryEvidence, end: LedgerEnd | undefined, allBytes: number): Wrong[] {
  const { rawBytes, state } = row;
  if (rawBytes === null) return [[1, "how much the step printed is not recorded"]];
  const most = end?.bytes ?? allBytes;
  if (rawBytes > most) return [[1, `the agent counted ${rawBytes} bytes, and the step printed ${most} at most`]];
  if (end && rawBytes < end.bytes && state !== "lost")
    return [[1, `the agent counted ${rawBytes} bytes, and the step printed ${end.bytes}`]];
  return [];
}

/** What is left of the printed bytes when the gaps are taken out. */
function keptOf({ rawBytes, gaps }: TryEvidence, all: Buffer): Buffer | undefined {
  const raw = all.subarray(0, rawBytes ?? 0);
  const parts: Buffer[] = [];
  let at = 0; // in the raw bytes
  let offset = 0; // in the stream
  for (const gap of gaps) {
    const length = gap.offset - offset;
    if (length < 0 || at + length + gap.omittedBytes > raw.length) return undefined;
    parts.push(raw.subarray(at, at + length));
    at += length + gap.omittedBytes;
    offset = gap.offset;
  }
  return Buffer.concat([...parts, raw.subarray(at)]);
}

/**
 * A gap is there exactly when the step printed more than its limit, and then as much is kept as the limit allows. Of a try
 * whose copiers were killed more may be gone; that too is said by a gap, where its size is known.
 */
function judgeGaps(row: TryEvidence, job: JobPlan): Wrong[] {
  if (row.rawBytes === null) return [];
  if (row.rawBytes <= job.limitBytes)
    return row.gaps.length > 0 && row.state !== "lost" ? [[1, "has a gap below its limit"]] : [];
  if (row.gaps.length !== 1) return [[1, `printed more than its limit, and has ${row.gaps.length} gaps`]];
  const isWhole = row.outputBytes === job.limitBytes || row.state === "lost";
  return isWhole ? [] : [[1, `keeps ${row.outputBytes} bytes, and its limit is ${job.limitBytes}`]];
}

function firstDifference(expected: Buffer, stored: Buffer): string {
  const length = Math.min(expected.length, stored.length);
  let at = 0;
  while (at < length && expected[at] === stored[at]) at++;
  return `: ${stored.length} bytes instead of ${expected.length}, different from byte ${at}`;
}

const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
