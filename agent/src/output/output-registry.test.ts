import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { eventRecord, openRecord, sampleOffer } from "../journal/journal-conformance.ts";
import { MemoryJournal } from "../journal/memory-journal.ts";
import { inlineLimitBytes, OutputRegistry, type TryAddress } from "./output-registry.ts";

const root = mkdtempSync(join(tmpdir(), "oc-registry-"));
afterAll(() => rmSync(root, { recursive: true }));

const address: TryAddress = { assignmentId: "assignment-1", attempt: 1, fence: 1n, stepId: "a", try: 1 };

function setUp(limits = { maxSpoolBytes: 1_000_000, minTryBytes: 1000 }) {
  const journal = new MemoryJournal();
  journal.commit([openRecord(sampleOffer(1n)), eventRecord(1n, { kind: "accepted" })]);
  let ready = 0;
  const lost: string[] = [];
  const onReady = () => {
    ready += 1;
  };
  const registry = new OutputRegistry(journal, limits, onReady, (address) => lost.push(address.stepId));
  const folder = join(root, `${readdirSync(root).length}`);
  mkdirSync(folder);
  return { journal, registry, folder, lost, ready: () => ready };
}

async function finish(registry: OutputRegistry, journal: MemoryJournal, headBytes: bigint): Promise<boolean> {
  const { record } = await registry.finish(address, { headBytes, restBytes: 0n });
  journal.commit([{ kind: "output", output: record }]);
  return registry.ended(address, record);
}

test("a short stream moves into the journal and is read from there to its end", async () => {
  const { registry, journal, folder } = setUp();
  registry.follow(address, folder, undefined, 100);
  writeFileSync(join(folder, "head"), "hello\0world");
  expect(await finish(registry, journal, 11n)).toBe(true);
  rmSync(folder, { recursive: true });
  expect(registry.states()).toMatchObject([{ availableBytes: 11n, ackedBytes: 0n, ended: true }]);
  expect(Buffer.from(registry.read(address, 6n, 100)).toString()).toBe("world");
  registry.acknowledge(1n, "a", 1, 11n);
  expect(registry.states()).toEqual([]);
  expect(registry.read(address, 0n, 1)).toHaveLength(0);
});

test("a long stream stays in its files until the last byte is acknowledged", async () => {
  const { registry, journal, folder } = setUp();
  registry.follow(address, folder, undefined, 100);
  const bytes = Buffer.alloc(inlineLimitBytes + 1, 7);
  writeFileSync(join(folder, "head"), bytes);
  expect(await finish(registry, journal, BigInt(bytes.length))).toBe(false);
  registry.acknowledge(1n, "a", 1, BigInt(bytes.length - 1));
  expect(existsSync(folder)).toBe(true);
  expect(registry.spooledBytes()).toBe(1n);
  registry.acknowledge(1n, "a", 1, BigInt(bytes.length));
  expect(existsSync(folder)).toBe(false);
});

test("a stream whose files somebody removed is given up, and said so once", async () => {
  const { registry, journal, folder, lost } = setUp();
  registry.follow(address, folder, undefined, 100);
  writeFileSync(join(folder, "head"), Buffer.alloc(inlineLimitBytes + 1));
  await finish(registry, journal, BigInt(inlineLimitBytes + 1));
  rmSync(folder, { recursive: true });
  expect(registry.read(address, 0n, 10)).toHaveLength(0);
  expect(registry.read(address, 0n, 10)).toHaveLength(0);
  expect(lost).toEqual(["a"]);
  expect(registry.states()).toEqual([]);
});

test("a listener hears of new output, and not of output it already knows", () => {
  const { registry, folder, ready } = setUp();
  registry.follow(address, folder, undefined, 100);
  writeFileSync(join(folder, "head"), "abc");
  registry.advance(address);
  registry.advance(address);
  expect(ready()).toBe(1);
  expect(registry.states()).toMatchObject([{ availableBytes: 3n, ended: false }]);
  registry.close();
});

test("tries share the host's limit, and each gets its least", () => {
  const { registry, folder } = setUp({ maxSpoolBytes: 10_000, minTryBytes: 1000 });
  expect(registry.allow(6000)).toBe(6000);
  registry.follow(address, folder, undefined, 6000);
  expect(registry.allow(6000)).toBe(4000);
  registry.follow({ ...address, try: 2 }, folder, undefined, 4000);
  expect(registry.allow(6000)).toBe(1000);
  registry.close();
});

test("what an earlier life left is there again, from where it was acknowledged", () => {
  const { registry, journal, folder } = setUp();
  const record = {
    fence: 1n,
    stepId: "a",
    try: 1,
    folder: "0.1.1",
    ackedOffset: 2n,
    totalBytes: 5n,
    inline: Buffer.from("hello"),
  };
  journal.commit([{ kind: "output", output: record }]);
  registry.restore(address, record, folder);
  expect(registry.states()).toMatchObject([{ ackedBytes: 2n, availableBytes: 5n, ended: true }]);
  expect(Buffer.from(registry.read(address, 2n, 10)).toString()).toBe("llo");
  registry.restore({ ...address, try: 2 }, { ...record, try: 2, ackedOffset: 5n }, folder);
  expect(registry.states()).toHaveLength(1);
  registry.drop(1n);
  expect(registry.states()).toEqual([]);
});
