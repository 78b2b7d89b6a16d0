import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { seededRandom } from "../testing/seeded-random.ts";
import { MemoryJournal } from "./memory-journal.ts";
import { SqliteJournal } from "./sqlite-journal.ts";
import { describeState, statesOfWorkload, workloadCommit } from "./testing/journal-workload.ts";

const seed = Number(process.env.OC_FAULTS_SEED ?? 1);
/** One byte of so many is damaged, each time others; 1: all. */
const stride = Number(process.env.OC_FAULTS_STRIDE ?? 97);
const commitsMade = 8;

const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "oc-damage-"));
afterAll(() => rmSync(folder, { recursive: true }));
const expected = statesOfWorkload(new MemoryJournal());

/** A journal in the middle of its life, as kill -9 leaves it (all in the WAL) or as a clean stop does (all in one file). */
function makeJournal(name: string, end: "killed" | "stopped"): string {
  const [live, kept] = [join(folder, `${name}-live`), join(folder, name)];
  mkdirSync(live);
  const journal = new SqliteJournal({ path: join(live, "journal.db") });
  for (let n = 1; n <= commitsMade; n++) workloadCommit(journal, n);
  if (end === "stopped") journal.close();
  cpSync(live, kept, { recursive: true });
  if (end === "killed") journal.close();
  return kept;
}

/** The number of the state that was found, or what the journal said when it refused. */
function openCopy(original: string, damage: (copy: string) => void): number | string {
  const copy = join(folder, "copy");
  cpSync(original, copy, { recursive: true });
  try {
    damage(copy);
    const journal = new SqliteJournal({ path: join(copy, "journal.db") });
    try {
      return expected.indexOf(describeState(journal));
    } finally {
      journal.close();
    }
  } catch (error) {
    return (error as Error).message;
  } finally {
    rmSync(copy, { recursive: true });
  }
}

const refusal = /^The journal is damaged: .*(Nothing is started|has no space)|cannot be read|newer agent/s;

function flipBits(original: string, file: string): { same: number; refused: number; wrong: string[] } {
  const random = seededRandom(seed);
  const { length } = readFileSync(join(original, file));
  const result = { same: 0, refused: 0, wrong: [] as string[] };
  for (let at = Math.floor(random() * stride); at < length; at += 1 + Math.floor(random() * (2 * stride - 1))) {
    const bit = Math.floor(random() * 8);
    const found = openCopy(original, (copy) => {
      const bytes = readFileSync(join(copy, file));
      bytes[at]! ^= 1 << bit;
      writeFileSync(join(copy, file), bytes);
    });
    if (found === commitsMade) result.same += 1;
    else if (typeof found === "string" && refusal.test(found)) result.refused += 1;
    else result.wrong.push(`${file} byte ${at} bit ${bit} (seed ${seed}): ${found}`);
  }
  return result;
}

test("a flipped bit anywhere in the main file is harmless or refused with what to do, never believed", () => {
  const result = flipBits(makeJournal("flipped-main", "stopped"), "journal.db");
  expect(result.wrong).toEqual([]);
  expect(result.refused).toBeGreaterThan(0);
});

test("a flipped bit in the WAL is noticed: SQLite alone would go on without everything behind it", () => {
  const result = flipBits(makeJournal("flipped-wal", "killed"), "journal.db-wal");
  expect(result.wrong).toEqual([]);
  expect(result.refused).toBeGreaterThan(0);
});

test("a witness that cannot be read says nothing, and the journal is used", () => {
  const result = flipBits(makeJournal("flipped-witness", "killed"), "journal.db-position");
  expect(result.wrong).toEqual([]);
});

test("every prefix of the WAL holds a prefix of what was recorded, and less than was reported is refused", () => {
  const original = makeJournal("cut-wal", "killed");
  const wrong: string[] = [];
  let before = 0;
  for (const size of sizesUpTo(readFileSync(join(original, "journal.db-wal")).length)) {
    const cut = (copy: string) => truncateSync(join(copy, "journal.db-wal"), size);
    const found = openCopy(original, cut);
    if (found !== commitsMade && !(typeof found === "string" && refusal.test(found))) wrong.push(`${size}: ${found}`);
    // After a power failure the witness may be gone: then it is a prefix, which only grows with the file.
    const prefix = openCopy(original, (copy) => {
      cut(copy);
      rmSync(join(copy, "journal.db-position"));
    });
    if (typeof prefix !== "number" || prefix < before) wrong.push(`${size} without witness: ${prefix}`);
    else before = prefix;
  }
  expect(wrong.slice(0, 5)).toEqual([]);
  expect(before).toBe(commitsMade);
});

/** Around the borders of header and frames each, else some. */
function sizesUpTo(length: number): number[] {
  const random = seededRandom(seed);
  const sizes = new Set([0, 1, 31, 32, 33, length]);
  for (let frame = 32; frame < length; frame += 4120)
    for (const size of [frame - 1, frame, frame + 1, frame + 24]) sizes.add(size);
  for (let size = 0; size < length; size += 1 + Math.floor(random() * (8 * stride - 7))) sizes.add(size);
  return [...sizes].sort((a, b) => a - b);
}

test("a file that is missing, swapped or older than what was reported is refused", () => {
  const original = makeJournal("original", "stopped");
  const other = makeJournal("other", "stopped");
  const swapped = (copy: string) => cpSync(join(other, "journal.db"), join(copy, "journal.db"));
  expect(openCopy(original, (copy) => rmSync(join(copy, "journal.db")))).toMatch(/another journal.*Nothing is started/);
  expect(openCopy(original, swapped)).toMatch(/another journal/);
  const backup = readFileSync(join(original, "journal.db"));
  const later = new SqliteJournal({ path: join(original, "journal.db") });
  workloadCommit(later, commitsMade + 1);
  later.close();
  expect(openCopy(original, (copy) => writeFileSync(join(copy, "journal.db"), backup))).toMatch(
    /its last \d+ of \d+ records are gone/,
  );
});
