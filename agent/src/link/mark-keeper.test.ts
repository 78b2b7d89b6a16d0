import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { MarkKeeper } from "./mark-keeper.ts";

const mark = (position: bigint, change: { generation?: number; life?: string } = {}) => ({
  ...{ systemId: "7", generation: 1, life: "first", position, seal: Buffer.from("seal") },
  ...change,
});

function keeper(): { marks: MarkKeeper; onDisk: () => { position: string; life: string; generation: number } } {
  const folder = mkdtempSync(join(tmpdir(), "oc-mark-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "mark.json");
  return { marks: new MarkKeeper(path), onDisk: () => JSON.parse(readFileSync(path, "utf8")) };
}

test("the first mark of a start of PostgreSQL, or after a restore, is on disk at once: the agent may be killed next", () => {
  const { marks, onDisk } = keeper();
  marks.hear(mark(100n));
  marks.hear(mark(101n)); // tells nothing that the one on disk does not
  expect(onDisk()).toMatchObject({ position: "100" });
  marks.hear(mark(102n, { life: "second" }));
  expect(onDisk()).toMatchObject({ position: "102", life: "second" });
  marks.hear(mark(50n, { life: "third", generation: 2 }));
  expect(onDisk()).toMatchObject({ position: "50", life: "third", generation: 2 });
});

test("an older mark is not heard", () => {
  const { marks } = keeper();
  for (const position of [100n, 99n]) marks.hear(mark(position));
  expect(marks.highest?.position).toBe(100n);
});
