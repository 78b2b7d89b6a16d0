// The journal of a real agent: node:sqlite in WAL mode with a disk sync at each commit (p50 0.14 ms here). The runner
// opens one; the exclusive lock keeps a second agent from working on the same state.
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { Acknowledgements } from "./acknowledgements.ts";
import type {
  AttemptRecord,
  Journal,
  JournalRecord,
  OfferRecord,
  OutputRecord,
  PoisonListener,
  StoredEvent,
} from "./journal.ts";
import { JournalIndex, type StagedCommit } from "./journal-index.ts";
import { JournalDamaged, JournalFull } from "./journal-problems.ts";
import { codeOf, openDatabase, sqliteCode } from "./open-database.ts";
import { PositionWitness } from "./position-witness.ts";
import { type Cell, checkRow, rowChecksum } from "./row-checksum.ts";
import {
  attemptCells,
  attemptOf,
  eventCells,
  eventOf,
  offerCells,
  offerOf,
  outputCells,
  outputOf,
} from "./sqlite-rows.ts";
import { countRows, describeRows, type JournalTable, type RowCounts } from "./sqlite-schema.ts";
import { readMeta } from "./verify-journal.ts";

/** About as many pages in the WAL as SQLite's own default lets come together. */
const commitsBetweenCheckpoints = 250;

export interface SqliteJournalOptions {
  path: string;
  /** Called once when the disk is full: frees a reserve and says whether it did, so that outcomes still fit. */
  freeReserve?: () => boolean;
}

export class SqliteJournal implements Journal {
  readonly id: string;
  readonly #db: DatabaseSync;
  readonly #index = new JournalIndex();
  readonly #acks = new Acknowledgements();
  readonly #witness: PositionWitness;
  readonly #statements: ReturnType<typeof prepareStatements>;
  readonly #freeReserve: () => boolean;
  #rows: RowCounts;
  #commits = 0;
  #poison = "";
  #onPoison: PoisonListener = () => {};

  /** Throws when it cannot be used, or is not what was written (JournalDamaged), with what to do. */
  constructor(options: SqliteJournalOptions) {
    this.#witness = new PositionWitness(`${options.path}-position`);
    try {
      this.#db = openDatabase(options.path, this.#witness);
    } catch (error) {
      this.#witness.close();
      throw error;
    }
    this.#statements = prepareStatements(this.#db);
    this.#freeReserve = options.freeReserve ?? (() => false);
    const meta = readMeta(this.#db);
    this.id = meta.id as string;
    this.#rows = countRows(this.#db);
    this.#index.position = meta.position as bigint;
    this.#index.prunedFence = meta.pruned_fence as bigint;
    for (const row of this.#statements.attempts.all()) {
      const attempt = attemptOf(row);
      this.#index.attempts.set(attempt.fence, attempt);
    }
    this.#witness.note(this.id, this.#index.position);
  }

  position(): bigint {
    return this.#index.position;
  }
  poisoned(): string {
    return this.#poison;
  }
  onPoison(listener: PoisonListener): void {
    this.#onPoison = listener;
  }
  prunedFence(): bigint {
    return this.#index.prunedFence;
  }
  attempts(): AttemptRecord[] {
    return [...this.#index.attempts.values()].sort((a, b) => (a.fence < b.fence ? -1 : 1));
  }
  attempt(fence: bigint): AttemptRecord | undefined {
    return this.#index.attempts.get(fence);
  }
  offer(fence: bigint): OfferRecord | undefined {
    const [row] = this.#read("offers", this.#statements.offer, fence);
    return row === undefined ? undefined : offerOf(row);
  }
  eventsAfter(fence: bigint, seq: bigint, limit: number): StoredEvent[] {
    const attempt = this.#index.attempts.get(fence);
    if (attempt === undefined || seq >= attempt.lastSeq) return [];
    return this.#read("events", this.#statements.events, fence, seq, limit).map((row) => eventOf(attempt, row));
  }
  outputs(fence: bigint): OutputRecord[] {
    return this.#read("outputs", this.#statements.outputs, fence).map((row) => this.#acks.applied(outputOf(row)));
  }

  commit(records: readonly JournalRecord[]): StoredEvent[] {
    if (this.#poison !== "") throw new Error(this.#poison);
    const staged = this.#index.stage(records);
    const rows = this.#writeOrFree(records, staged);
    this.#rows = rows;
    this.#index.apply(staged);
    this.#acks.clear();
    this.#witness.note(this.id, staged.position);
    this.#checkpointSometimes();
    return staged.events;
  }

  noteEventsAcked(fence: bigint, seq: bigint): void {
    this.#acks.noteEvents(this.#index, fence, seq);
  }
  noteOutputAcked(fence: bigint, stepId: string, tryNumber: number, bytes: bigint): void {
    this.#acks.noteOutput(fence, stepId, tryNumber, bytes);
  }

  close(): void {
    if (!this.#db.isOpen) return;
    try {
      this.#db.close();
    } finally {
      this.#witness.close();
    }
  }

  #writeOrFree(records: readonly JournalRecord[], staged: StagedCommit): RowCounts {
    try {
      return this.#write(records, staged);
    } catch (error) {
      if (codeOf(error) !== sqliteCode.full) throw this.#poisonWith("written", error);
    }
    try {
      if (this.#freeReserve()) return this.#write(records, staged);
    } catch (error) {
      if (codeOf(error) !== sqliteCode.full) throw this.#poisonWith("written", error);
    }
    throw new JournalFull("The disk is full: the journal has no space for what happens on this host.");
  }

  /** What was already true stays readable; nothing more is believed to reach the disk. */
  #poisonWith(what: "read" | "written", error: unknown): Error {
    const { message } = error as Error;
    this.#poison = `The journal cannot be ${what} (${message}). No work is taken; restart the agent when the disk is in order.`;
    this.#onPoison(this.#poison);
    return new Error(this.#poison, { cause: error });
  }

  #read(table: JournalTable, statement: StatementSync, ...parameters: (bigint | number)[]) {
    try {
      const rows = statement.all(...parameters);
      for (const row of rows) checkRow(table, row);
      return rows;
    } catch (error) {
      throw error instanceof JournalDamaged || codeOf(error) !== 0 ? this.#poisonWith("read", error) : error;
    }
  }

  #write(records: readonly JournalRecord[], staged: StagedCommit): RowCounts {
    const s = this.#statements;
    const rows = { ...this.#rows };
    s.begin.run();
    try {
      for (const record of records) this.#keep(record, rows);
      for (const event of staged.events) put(s.insertEvent, "events", eventCells(event));
      rows.events += staged.events.length;
      for (const attempt of staged.changed.values())
        if (attempt !== undefined) put(s.putAttempt, "attempts", attemptCells(attempt));
      this.#writeAcknowledgements(staged);
      rows.attempts = this.#attemptsAfter(staged);
      this.#writeMeta(staged, describeRows(rows));
      s.commit.run();
      return rows;
    } catch (error) {
      if (this.#db.isTransaction) s.rollback.run();
      throw error;
    }
  }

  #keep(record: JournalRecord, rows: RowCounts): void {
    const s = this.#statements;
    if (record.kind === "open" && record.offer !== undefined) {
      put(s.insertOffer, "offers", offerCells(record.offer));
      rows.offers += 1;
    } else if (record.kind === "output") {
      const { fence, stepId, try: tryNumber } = record.output;
      if (s.output.get(fence, stepId, tryNumber) === undefined) rows.outputs += 1;
      put(s.putOutput, "outputs", outputCells(record.output));
    } else if (record.kind === "forget") {
      s.deleteAttempt.run(record.fence);
      for (const table of ["offers", "events", "outputs"] as const)
        rows[table] -= Number(s.deleteFrom[table].run(record.fence).changes);
    }
  }

  #writeAcknowledgements(staged: StagedCommit): void {
    const s = this.#statements;
    for (const fence of this.#acks.events.keys()) {
      const attempt = this.#index.attempts.get(fence);
      // What changes in this commit carries its acknowledgement already.
      if (attempt !== undefined && !staged.changed.has(fence)) put(s.putAttempt, "attempts", attemptCells(attempt));
    }
    for (const { fence, stepId, try: tryNumber } of this.#acks.outputs.values()) {
      const row = s.output.get(fence, stepId, tryNumber);
      if (row !== undefined) put(s.putOutput, "outputs", outputCells(this.#acks.applied(outputOf(row))));
    }
  }

  #attemptsAfter(staged: StagedCommit): number {
    let count = this.#index.attempts.size;
    for (const [fence, attempt] of staged.changed) {
      const before = this.#index.attempts.has(fence);
      if (attempt === undefined && before) count -= 1;
      else if (attempt !== undefined && !before) count += 1;
    }
    return count;
  }

  #writeMeta(staged: StagedCommit, rows: string): void {
    const values = { position: staged.position, rows, pruned_fence: staged.prunedFence };
    for (const [name, value] of Object.entries(values)) put(this.#statements.putMeta, "meta", [name, value]);
  }

  // The commit is durable whatever happens here. A full disk is met again at the next one; any other error says that
  // the main file may not have what the WAL is about to forget.
  #checkpointSometimes(): void {
    this.#commits += 1;
    if (this.#commits % commitsBetweenCheckpoints !== 0) return;
    try {
      this.#statements.checkpoint.get();
    } catch (error) {
      if (codeOf(error) !== sqliteCode.full) this.#poisonWith("written", error);
    }
  }
}

function put(statement: StatementSync, table: JournalTable, cells: readonly Cell[]): void {
  statement.run(...cells, rowChecksum(table, cells));
}

function prepareStatements(db: DatabaseSync) {
  const p = (sql: string): StatementSync => db.prepare(sql);
  return {
    begin: p("begin immediate"),
    commit: p("commit"),
    rollback: p("rollback"),
    checkpoint: p("pragma wal_checkpoint(passive)"),
    attempts: p("select * from attempts"),
    offer: p("select * from offers where fence = ?"),
    events: p("select * from events where fence = ? and seq > ? order by seq limit ?"),
    outputs: p("select * from outputs where fence = ?"),
    output: p("select * from outputs where fence = ? and step_id = ? and try = ?"),
    putMeta: p("insert or replace into meta values (?, ?, ?)"),
    insertEvent: p("insert into events values (?, ?, ?, ?, ?, ?, ?)"),
    insertOffer: p("insert into offers values (?, ?, ?, ?)"),
    putAttempt: p("insert or replace into attempts values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
    putOutput: p("insert or replace into outputs values (?, ?, ?, ?, ?, ?, ?, ?)"),
    deleteAttempt: p("delete from attempts where fence = ?"),
    deleteFrom: {
      offers: p("delete from offers where fence = ?"),
      events: p("delete from events where fence = ?"),
      outputs: p("delete from outputs where fence = ?"),
    },
  };
}
