import { execFileSync } from "node:child_process";
import { closeSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { until } from "@opsconductor/contract/testing/until";
import { afterEach, expect, test, vi } from "vitest";
import { FailingJournal } from "../journal/failing-journal.ts";
import { MemoryJournal } from "../journal/memory-journal.ts";
import { HostBench } from "./testing/host-bench.ts";

vi.setConfig({ testTimeout: 30_000 });
let bench: HostBench;
let journal: FailingJournal;
afterEach(() => bench.close());

function open(): void {
  journal = new FailingJournal(new MemoryJournal());
  bench = new HostBench({ journal });
}

test("a journal without space keeps the outcome until there is some: no second start, nothing poisoned", async () => {
  open();
  const [gate, ledger] = [bench.path("gate"), bench.path("ledger")];
  const script = `echo ran >> ${ledger}; while [ ! -e ${gate} ]; do sleep 0.01; done; echo end`;
  const fence = bench.run(`steps: [ { id: a, run: "${script}" }, { id: b, run: "echo ran >> ${ledger}" } ]`);
  await until("the start", () => bench.eventsOf(fence, "tryStarted")[0]);
  journal.beFull(true);
  writeFileSync(gate, "");
  const refused = bench.run("steps: [ { id: a, run: 'true' } ]");
  await until("commits that find no space", () => journal.refusals > 3);
  expect(bench.eventsOf(fence, "tryFinished")).toEqual([]);
  expect(bench.host.degraded()).toBe("");
  journal.beFull(false);
  expect((await bench.outcome(fence)).state).toBe("succeeded");
  expect((await bench.outcome(refused)).state).toBe("succeeded");
  expect((await bench.output(fence, "a")).toString()).toBe("end\n");
  expect(readFileSync(ledger, "utf8")).toBe("ran\nran\n");
});

test("a cancel is followed though it cannot be recorded, and told when it can", async () => {
  open();
  const fence = bench.run("steps: [ { id: a, run: 'sleep 100' } ]");
  await until("the start", () => bench.eventsOf(fence, "tryStarted")[0]);
  journal.beFull(true);
  bench.desire(fence, "cancel", { reason: "by ann" });
  const buried = bench.offer("steps: [ { id: a, run: 'true' } ]");
  bench.desire(buried.fence, "cancel", { assignmentId: buried.assignmentId });
  await until("commits that find no space", () => journal.refusals > 3);
  journal.beFull(false);
  expect(await bench.outcome(fence)).toEqual({ state: "cancelled", reason: "by ann" });
  await until("the tombstone that found no space at first", () => bench.eventsOf(buried.fence, "tombstone")[0]);
});

test("a journal that is poisoned ends the host's work for this process, and says so", async () => {
  open();
  journal.failAt(1);
  bench.run("steps: [ { id: a, run: 'true' } ]");
  expect(await bench.host.failure).toMatch(/cannot be written/);
  expect(bench.host.degraded()).toMatch(/cannot be written/);
  bench.host.close();
  bench.open(new FailingJournal(new MemoryJournal()));
});

const mayMount = process.platform === "linux" && process.getuid?.() === 0;

test.skipIf(!mayMount)(
  "on a disk without a free byte a step still times out, and its outcome is recorded",
  async () => {
    bench = new HostBench({ settings: { minFreeBytes: 0, graceMs: 200 } });
    bench.host.close();
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=32m,mode=700", "tmpfs", bench.path("state")]);
    try {
      bench.open();
      const fence = bench.run("steps: [ { id: a, run: 'sleep 100', timeout: 1s } ]");
      await until("the start", () => bench.eventsOf(fence, "tryStarted")[0]);
      fillDisk(bench.path("state/filler"));
      expect((await bench.outcome(fence)).state).toBe("timed_out");
      rmSync(bench.path("state/filler"));
      bench.host.close();
    } finally {
      execFileSync("umount", ["-l", bench.path("state")]);
      bench.open();
    }
  },
);

function fillDisk(path: string): void {
  const fd = openSync(path, "w");
  try {
    for (let size = 64 * 1024; size >= 1; )
      try {
        writeSync(fd, Buffer.alloc(size));
      } catch {
        size = Math.floor(size / 2);
      }
  } finally {
    closeSync(fd);
  }
}
