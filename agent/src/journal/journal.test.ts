import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, expect, test } from "vitest";
import { FailingJournal } from "./failing-journal.ts";
import { describeJournal, eventRecord, openRecord, sampleOffer } from "./journal-conformance.ts";
import { JournalDamaged, JournalFull } from "./journal-problems.ts";
import { MemoryJournal } from "./memory-journal.ts";
import { SqliteJournal } from "./sqlite-journal.ts";

const folder = mkdtempSync(join(tmpdir(), "oc-journal-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const freshPath = () => join(folder, `${++files}.db`);

describeJournal("sqlite", () => new SqliteJournal({ path: freshPath() }));
describeJournal("memory", () => new MemoryJournal());
describeJournal("failing, while it does not fail", () => new FailingJournal(new MemoryJournal()));

test("a failing journal fails at the commit it was told, says why, and stays failed", () => {
  const journal = new FailingJournal(new MemoryJournal());
  const reasons: string[] = [];
  journal.onPoison((reason) => reasons.push(reason));
  journal.failAt(2);
  journal.commit([openRecord(sampleOffer(1n)), eventRecord(1n, { kind: "accepted" })]);
  const second = () => journal.commit([openRecord(sampleOffer(2n))]);
  expect(second).toThrow(/cannot be written/);
  expect(second).toThrow(/cannot be written/);
  expect(journal.poisoned()).toMatch(/Restart the agent/);
  expect(reasons).toHaveLength(1);
  expect(journal.attempts()).toHaveLength(1);
});

test("a sqlite journal opened again has everything, acknowledgements included", () => {
  const path = freshPath();
  const first = new SqliteJournal({ path });
  const { id } = first;
  first.commit([openRecord(sampleOffer(7n)), eventRecord(7n, { kind: "accepted" })]);
  const output = { fence: 7n, stepId: "a", try: 1, folder: "0.1.1", ackedOffset: 0n };
  first.commit([{ kind: "output", output: { ...output, totalBytes: undefined, inline: undefined } }]);
  first.noteEventsAcked(7n, 1n);
  first.noteOutputAcked(7n, "a", 1, 44n);
  first.commit([{ kind: "desire", fence: 7n, want: "cancel", reason: "why", releaseThroughStep: 2 }]);
  const kept = { attempts: first.attempts(), position: first.position(), outputs: first.outputs(7n) };
  first.close();
  const second = new SqliteJournal({ path });
  expect(second.id).toBe(id);
  expect({ attempts: second.attempts(), position: second.position(), outputs: second.outputs(7n) }).toEqual(kept);
  expect(second.attempt(7n)?.ackedSeq).toBe(1n);
  second.close();
});

test("a second agent on the same journal is refused with what to do", () => {
  const path = freshPath();
  const first = new SqliteJournal({ path });
  expect(() => new SqliteJournal({ path })).toThrow(/Another agent is running/);
  first.close();
});

test("a journal of a newer agent is refused and left alone", () => {
  const path = freshPath();
  const db = new DatabaseSync(path);
  db.exec("pragma user_version = 99");
  db.close();
  expect(() => new SqliteJournal({ path })).toThrow(/schema version 99.*newer agent/);
});

test("a commit that the database refuses poisons the journal: nothing of it stays, nothing more is taken", () => {
  const path = freshPath();
  const journal = new SqliteJournal({ path });
  journal.commit([openRecord(sampleOffer(7n)), eventRecord(7n, { kind: "accepted" })]);
  const reasons: string[] = [];
  journal.onPoison((reason) => reasons.push(reason));
  const huge = eventRecord(7n, { kind: "finished", state: undefined as unknown as string, reason: "" });
  expect(() => journal.commit([huge])).toThrow(/cannot be written/);
  expect(journal.poisoned()).toMatch(/restart the agent/);
  expect(reasons).toEqual([journal.poisoned()]);
  expect(() =>
    journal.commit([{ kind: "desire", fence: 7n, want: "hold", reason: "", releaseThroughStep: 0 }]),
  ).toThrow();
  expect(journal.attempt(7n)).toMatchObject({ state: "accepted", lastSeq: 1n });
  journal.close();
  const again = new SqliteJournal({ path });
  expect(again.eventsAfter(7n, 0n, 10)).toHaveLength(1);
  again.close();
});

test("a journal of the version before is given its checksums, with everything in it", () => {
  const path = freshPath();
  const first = new SqliteJournal({ path });
  first.commit([openRecord(sampleOffer(7n)), eventRecord(7n, { kind: "accepted" })]);
  const kept = { id: first.id, attempts: first.attempts(), offer: first.offer(7n) };
  first.close();
  const db = new DatabaseSync(path);
  for (const table of ["meta", "attempts", "offers", "events", "outputs"])
    db.exec(`alter table ${table} drop column sum`);
  db.exec("delete from meta where name = 'rows'; pragma user_version = 1");
  db.close();
  const second = new SqliteJournal({ path });
  expect({ id: second.id, attempts: second.attempts(), offer: second.offer(7n) }).toEqual(kept);
  expect(second.eventsAfter(7n, 0n, 10)).toHaveLength(1);
  second.close();
});

test("a row that was changed behind the journal's back is refused at the start, with what to do", () => {
  const path = freshPath();
  const journal = new SqliteJournal({ path });
  journal.commit([openRecord(sampleOffer(7n)), eventRecord(7n, { kind: "accepted" })]);
  journal.close();
  const db = new DatabaseSync(path);
  db.exec('update events set body = \'{"kind":"denied"}\'');
  db.close();
  expect(() => new SqliteJournal({ path })).toThrow(JournalDamaged);
  expect(() => new SqliteJournal({ path })).toThrow(/a row of events is not what was written.*empty journal/);
});

const smallDisk = (name: string): string => {
  const mount = join(folder, name);
  mkdirSync(mount);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", mount]);
  return mount;
};

test.skipIf(!canMount())("a disk without any space fails the commit, poisons nothing, and takes it later", () => {
  const mount = smallDisk("full");
  try {
    const journal = new SqliteJournal({ path: join(mount, "journal.db") });
    journal.commit([openRecord(sampleOffer(7n)), eventRecord(7n, { kind: "accepted" })]);
    const filler = join(mount, "filler");
    writeFileSync(filler, new Uint8Array(1_200_000));
    const large = () =>
      journal.commit([
        openRecord(sampleOffer(8n, { definition: new Uint8Array(1_000_000) })),
        eventRecord(8n, { kind: "accepted" }),
      ]);
    expect(large).toThrow(JournalFull);
    expect(journal.poisoned()).toBe("");
    expect(journal.attempts().map((a) => a.fence)).toEqual([7n]);
    rmSync(filler);
    large();
    journal.close();
    const again = new SqliteJournal({ path: join(mount, "journal.db") });
    expect(again.offer(8n)?.definition).toHaveLength(1_000_000);
    again.close();
  } finally {
    execFileSync("umount", [mount]);
  }
});

test.skipIf(!canMount())("a full disk is answered by freeing the reserve and writing again", () => {
  const mount = smallDisk("small");
  try {
    const reserve = join(mount, "reserve");
    writeFileSync(reserve, new Uint8Array(1_500_000));
    const freeReserve = () => {
      rmSync(reserve);
      return true;
    };
    const journal = new SqliteJournal({ path: join(mount, "journal.db"), freeReserve });
    const large = sampleOffer(7n, { definition: new Uint8Array(600_000) });
    journal.commit([openRecord(large), eventRecord(7n, { kind: "accepted" })]);
    expect(existsSync(reserve)).toBe(false);
    expect(journal.poisoned()).toBe("");
    expect(journal.offer(7n)?.definition).toHaveLength(600_000);
    journal.close();
  } finally {
    execFileSync("umount", [mount]);
  }
});

/** A real full disk needs a file system of its own. */
function canMount(): boolean {
  return process.platform === "linux" && process.getuid?.() === 0 && spawnSync("mount", ["--version"]).status === 0;
}
