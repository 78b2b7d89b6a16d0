import { createHash, randomBytes } from "node:crypto";
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { OutputSpool } from "./output-spool.ts";
import { readStream } from "./read-stream.ts";
import { createRedactor } from "./redactor.ts";

const root = mkdtempSync(join(tmpdir(), "oc-spool-"));
afterAll(() => rmSync(root, { recursive: true }));

function makeFolder(): string {
  const folder = join(root, `${readdirSync(root).length}`);
  mkdirSync(folder);
  return folder;
}

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const redactor = createRedactor([{ name: "pw", needles: [Buffer.from("hunter22")] }])!;
const noRest = { headBytes: 0n, restBytes: 0n };

test("the stream grows with the head and is exact at every offset", async () => {
  const folder = makeFolder();
  const spool = new OutputSpool(folder, undefined);
  expect(spool.advance()).toBe(false);
  const bytes = Buffer.concat([Buffer.from("\0\r\n\xff\xfe", "latin1"), randomBytes(700_000)]);
  writeFileSync(join(folder, "head"), bytes.subarray(0, 1000));
  spool.advance();
  expect(spool.available).toBe(1000n);
  appendFileSync(join(folder, "head"), bytes.subarray(1000));
  while (spool.advance());
  const totals = await spool.finish({ headBytes: BigInt(bytes.length), restBytes: 0n }, 0);
  spool.close();
  expect(totals).toMatchObject({ bytes: BigInt(bytes.length), gaps: [], rawBytes: BigInt(bytes.length) });
  expect(Buffer.from(totals.sha256).toString("hex")).toBe(sha256(bytes));
  for (const [from, length] of [
    [0, 10],
    [699_999, 6],
    [123, 456_789],
  ] as const)
    expect(readStream(folder, from, length).equals(bytes.subarray(from, from + length))).toBe(true);
  expect(() => readStream(folder, 0, bytes.length + 1)).toThrow();
});

test("head and tail without a gap are one stream", async () => {
  const folder = makeFolder();
  writeFileSync(join(folder, "head"), "0123456789");
  writeFileSync(join(folder, "tail"), "abc");
  const spool = new OutputSpool(folder, undefined);
  const totals = await spool.finish({ headBytes: 10n, restBytes: 3n }, 0);
  expect(totals).toMatchObject({ bytes: 13n, gaps: [], rawBytes: 13n });
  expect(readStream(folder, 8, 4).toString()).toBe("89ab");
  spool.close();
});

test("what the cap left out is one gap of exact size, where the head ends in the redacted stream", async () => {
  const folder = makeFolder();
  writeFileSync(join(folder, "head"), "pw=hunter22 hunt");
  writeFileSync(join(folder, "tail"), "er22 end hunter22");
  const spool = new OutputSpool(folder, redactor);
  const totals = await spool.finish({ headBytes: 16n, restBytes: 1000n }, 0);
  const stream = "pw=[REDACTED:pw] hunter22 end [REDACTED:pw]";
  expect(readStream(folder, 0, stream.length).toString()).toBe(stream);
  expect(totals.gaps).toEqual([{ offset: 21n, omittedBytes: 983n }]);
  expect(totals).toMatchObject({ bytes: BigInt(stream.length), rawBytes: 1016n });
  expect(Buffer.from(totals.sha256).toString("hex")).toBe(sha256(Buffer.from(stream)));
  spool.close();
});

test.each([
  ["nobody counted what came before it", { headBytes: 10n, restBytes: 0n }, { bytes: 10n, gaps: [], rawBytes: 10n }],
  [
    "its writer was killed in the middle of it",
    { headBytes: 10n, restBytes: 50n, tailLimit: 5 },
    { bytes: 10n, gaps: [{ offset: 10n, omittedBytes: 50n }], rawBytes: 60n },
  ],
  [
    "it is whole",
    { headBytes: 10n, restBytes: 50n, tailLimit: 3 },
    { bytes: 13n, gaps: [{ offset: 10n, omittedBytes: 47n }], rawBytes: 60n },
  ],
])("a tail is part of the stream only where its place is known: %s", async (_, written, told) => {
  const folder = makeFolder();
  writeFileSync(join(folder, "head"), "0123456789");
  writeFileSync(join(folder, "tail"), "abc");
  const spool = new OutputSpool(folder, undefined);
  const totals = await spool.finish(written, 0);
  expect(totals).toMatchObject(told);
  const stream = readStream(folder, 0, Number(totals.bytes));
  expect(Buffer.from(totals.sha256).toString("hex")).toBe(sha256(stream));
  spool.close();
});

test("a secret across head and tail is found when nothing is missing between them", async () => {
  const folder = makeFolder();
  writeFileSync(join(folder, "head"), "a hunt");
  writeFileSync(join(folder, "tail"), "er22 b");
  const spool = new OutputSpool(folder, redactor);
  await spool.finish({ headBytes: 6n, restBytes: 6n }, 0);
  expect(readStream(folder, 0, 17).toString()).toBe("a [REDACTED:pw] b");
  spool.close();
});

test("after a restart the redacted stream goes on byte-exactly, and what was sent keeps its old spelling", async () => {
  const folder = makeFolder();
  const first = new OutputSpool(folder, redactor);
  writeFileSync(join(folder, "head"), "one hunter22 two hun");
  first.advance();
  expect(first.available).toBe(BigInt("one [REDACTED:pw] two ".length));
  first.close();
  appendFileSync(join(folder, "sent"), "torn: appended but never offered");
  appendFileSync(join(folder, "head"), "ter22 three s3cret-2 hunter22");
  const second = new OutputSpool(folder, createRedactor([{ name: "new", needles: [Buffer.from("s3cret-2")] }]));
  expect(second.available).toBe(first.available);
  const totals = await second.finish({ headBytes: 49n, restBytes: 0n }, 0);
  const stream = "one [REDACTED:pw] two hunter22 three [REDACTED:new] hunter22";
  expect(readStream(folder, 0, Number(totals.bytes)).toString()).toBe(stream);
  expect(Buffer.from(totals.sha256).toString("hex")).toBe(sha256(Buffer.from(stream)));
  second.close();
});

test("a restart in the middle of the tail keeps the gap where it was", async () => {
  const folder = makeFolder();
  writeFileSync(join(folder, "head"), "hunter22 head");
  writeFileSync(join(folder, "tail"), "tail");
  const exit = { headBytes: 13n, restBytes: 100n };
  const first = new OutputSpool(folder, redactor);
  const once = await first.finish(exit, 0);
  first.close();
  const second = new OutputSpool(folder, redactor);
  expect(await second.finish(exit, 0)).toEqual(once);
  second.close();
});

test("bytes that a power failure took from the head are counted as missing", async () => {
  const folder = makeFolder();
  writeFileSync(join(folder, "head"), "only this");
  const spool = new OutputSpool(folder, undefined);
  const totals = await spool.finish({ headBytes: 5000n, restBytes: 0n }, 0);
  expect(totals.gaps).toEqual([{ offset: 9n, omittedBytes: 4991n }]);
  spool.close();
});

test("a try that wrote nothing has an empty stream", async () => {
  const spool = new OutputSpool(makeFolder(), undefined);
  expect(await spool.finish(noRest, 0)).toMatchObject({ bytes: 0n, gaps: [], rawBytes: 0n });
  spool.close();
});
