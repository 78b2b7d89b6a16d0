// Reads everything that check-invariants.ts judges, after the faults have stopped. Output is kept in a file, because all of
// it would not fit the memory. Called by the fault tests.
import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import type { Query } from "@opsconductor/database/connect";
import type { AskedExecution, Evidence, KilledSpawn, StoredChunk, TryEvidence } from "./evidence.ts";
import type { FaultStack } from "./fault-stack.ts";
import { readLedger, tryKey } from "./ledger.ts";
import { readTransitions } from "./transitions.ts";

interface Given {
  asked: AskedExecution[];
  killedSpawns?: KilledSpawn[];
  leftovers?: string[];
}

export async function collectEvidence(faults: FaultStack, given: Given): Promise<Evidence> {
  const { killedSpawns = [], leftovers = [] } = given;
  const sql = await faults.freshOwner();
  const output = await storeOutput(sql, join(faults.stack.folder, "evidence", "output"));
  return {
    ...{ asked: given.asked, killedSpawns, leftovers, ledger: readLedger(faults.ledgerFile) },
    ...(await readRows(sql)),
    transitions: await readTransitions(sql),
    readOutput: (of) => output.read(tryKey(of)),
  };
}

type Rows = Pick<Evidence, "executions" | "stages" | "assignments" | "steps" | "tries" | "approvals" | "decisions">;

async function readRows(sql: Query): Promise<Rows> {
  return {
    executions: await sql<Evidence["executions"]>`
      select id, idempotency_key as key, state, counts, requested_by, cancel_requested_at, concurrency_key
      from automation.executions order by id`,
    stages: await sql<Evidence["stages"]>`
      select execution_id, stage_id, state, counts, parent, is_group, matrix from automation.stages
      order by execution_id, position`,
    assignments: await sql<Evidence["assignments"]>`
      select id, execution_id, stage_id, target_name as target, batch, attempt, fence, state, state_reason as reason
      from automation.assignments order by id`,
    approvals: await sql<Evidence["approvals"]>`
      select execution_id, outcome, requested_at, expires_at from automation.approvals`,
    decisions: await sql<Evidence["decisions"]>`
      select execution_id, user_id, user_name, decision, encode(content_sha256, 'hex') as content, at
      from automation.approval_decisions order by at`,
    steps: await sql<Evidence["steps"]>`
      select assignment_id as assignment, step_id as step, attempt, position, state, reason
      from automation.steps order by assignment_id, position`,
    tries: await sql<TryEvidence[]>`
      select assignment_id as assignment, attempt, step_id as step, try, state, reason, exit_code, signal,
        stored_bytes::float8 as stored_bytes, output_bytes::float8 as output_bytes,
        encode(output_sha256, 'hex') as output_sha256, raw_bytes::float8 as raw_bytes, gaps
      from automation.tries order by assignment_id, attempt, step_id, try`,
  };
}

interface OutputRow {
  assignment: string;
  attempt: number;
  step: string;
  try: number;
  byteOffset: number;
  encoding: number;
  data: Buffer;
}

async function storeOutput(sql: Query, path: string): Promise<{ read(key: string): StoredChunk[] }> {
  const file = openSync(path, "w+");
  const places = new Map<string, { offset: number; at: number; length: number }[]>();
  let at = 0;
  const rows = sql<OutputRow[]>`
    select assignment_id as assignment, attempt, step_id as step, try, byte_offset::float8 as byte_offset, encoding, data
    from automation.output order by assignment_id, attempt, step_id, try, byte_offset`;
  await rows.cursor(50, (some) => {
    for (const row of some) {
      const bytes = decode(row);
      writeSync(file, bytes, 0, bytes.length, at);
      const key = tryKey(row);
      if (!places.has(key)) places.set(key, []);
      places.get(key)!.push({ offset: row.byteOffset, at, length: bytes.length });
      at += bytes.length;
    }
  });
  closeSync(file);
  const reading = openSync(path, "r");
  return {
    read: (key) =>
      (places.get(key) ?? []).map(({ offset, at: position, length }) => {
        const bytes = Buffer.alloc(length);
        readSync(reading, bytes, 0, length, position);
        return { offset, bytes };
      }),
  };
}

/** As the column `encoding` says: 0 as it is, 1 zstd. */
function decode({ encoding, data }: OutputRow): Buffer {
  if (encoding === 0) return data;
  if (encoding === 1) return zstdDecompressSync(data);
  throw new Error(`A row of output has encoding ${encoding}, which is not known here`);
}
