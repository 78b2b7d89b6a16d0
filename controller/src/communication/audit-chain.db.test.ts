import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type TestContext, testActor, testContext } from "../testing/test-context.ts";
import { writeAudit } from "./audit.ts";
import { chainAudit, writeCheckpoint } from "./chain-audit.ts";
import { checkAudit } from "./check-audit.ts";
import { loadCheckpointKey } from "./checkpoints.ts";
import { csvCell, exportAudit } from "./export-audit.ts";
import { listAudit } from "./list-audit.ts";
import { NotAnExport, verifyExport } from "./verify-export.ts";

let t: TestContext;
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "opsconductor-audit-"));
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(async () => {
  t = await testContext();
});
afterEach(() => t.close());

const actor = () => testActor();
const note = (name: string, detail: Record<string, unknown> = {}) =>
  writeAudit(t.ctx, t.ctx.sql, actor(), { action: "job.created", object: { kind: "job", id: "17", name }, detail });
const fill = async (count: number) => {
  for (let i = 1; i <= count; i++) await note(`job-${i}`, { n: i, text: 'ü\u0001"' });
  await chainAudit(t.ctx);
};
const checkpoint = async () => writeCheckpoint(t.ctx, await loadCheckpointKey(t.ctx), { always: true });
const kinds = async () => (await checkAudit(t.ctx)).problems.map(({ position, kind }) => [position, kind]);

async function exported(): Promise<string[]> {
  const { body } = await exportAudit(t.ctx, actor(), { format: "jsonl" });
  return (await new Response(body).text()).trimEnd().split("\n");
}
async function verifyLines(lines: readonly string[]) {
  const file = join(folder, "export.jsonl");
  writeFileSync(file, `${lines.join("\n")}\n`);
  return verifyExport(file);
}

test("rows are chained in order, once, whoever and how many chain at once", async () => {
  for (let i = 0; i < 1100; i++) await note(`job-${i}`);
  const counts = await Promise.all([chainAudit(t.ctx), chainAudit(t.ctx), chainAudit(t.ctx)]);
  expect(counts.reduce((a, b) => a + b)).toBe(1100);
  expect(await chainAudit(t.ctx)).toBe(0);
  const { ok, rows, lastPosition, problems } = await checkAudit(t.ctx);
  expect({ ok, rows, lastPosition, problems }).toEqual({ ok: true, rows: 1100, lastPosition: 1100, problems: [] });
});

test("an empty log is in order", async () => {
  expect(await checkAudit(t.ctx)).toMatchObject({ ok: true, rows: 0, lastPosition: 0 });
});

const columns = ["at", "actor_kind", "actor_id", "actor_name", "session_id", "request_id", "address", "action"];
const more = ["object_kind", "object_id", "object_name", "outcome", "before", "after", "detail"];
const changed: Record<string, string> = {
  at: "at + interval '1 microsecond'",
  session_id: "gen_random_uuid()",
  before: `'{"a": null}'`,
  after: "'{}'",
  detail: `detail || '{"n": 3.5}'`,
};

test("a change of any column is found, and only that row is named", async () => {
  await fill(6);
  const { owner } = t.db;
  await owner`create table communication.kept as select * from communication.audit`;
  const [{ id }] = await owner<
    [{ id: string }]
  >`select audit_id as id from communication.audit_chain where position = 4`;
  for (const column of [...columns, ...more]) {
    await owner.unsafe(`update communication.audit set ${column} = ${changed[column] ?? "'x'"} where id = '${id}'`);
    expect([column, await kinds()]).toEqual([column, [[4, "altered"]]]);
    await owner.unsafe(
      `update communication.audit a set ${column} = k.${column} from communication.kept k where a.id = k.id`,
    );
  }
  // Another id is another row: the chain's is gone, and this one was never chained.
  await owner`update communication.audit set id = gen_random_uuid() where id = ${id}`;
  expect(await kinds()).toEqual([
    [4, "deleted"],
    [0, "unchained"],
  ]);
});

test("a deleted row, a gap, swapped rows, and a row that was kept out of the chain are found", async () => {
  await fill(8);
  const owner = t.db.owner;
  await owner`delete from communication.audit
    where id = (select audit_id from communication.audit_chain where position = 2)`;
  await owner`delete from communication.audit_chain where position = 4`;
  await owner`update communication.audit_chain set position = case position when 6 then -7 else -6 end where position in (6, 7)`;
  await owner`update communication.audit_chain set position = -position where position < 0`;
  await note("hidden");
  await owner`delete from communication.audit_unchained`;
  expect(await kinds()).toEqual([
    [2, "deleted"],
    [5, "gap"],
    [6, "altered"],
    [7, "altered"],
    [8, "altered"],
    [0, "unchained"],
    [0, "unchained"],
  ]);
});

test("who shortens the chain, or rewrites it from some row on, contradicts a signed checkpoint", async () => {
  await fill(5);
  await checkpoint();
  const owner = t.db.owner;
  await owner`update communication.audit set actor_name = 'somebody else'
    where id = (select audit_id from communication.audit_chain where position = 3)`;
  await owner`insert into communication.audit_unchained select audit_id from communication.audit_chain where position >= 3`;
  await owner`delete from communication.audit_chain where position >= 3`;
  expect(await kinds()).toEqual([[5, "truncated"]]);
  await chainAudit(t.ctx);
  expect(await kinds()).toEqual([[5, "checkpoint"]]);
  await owner`delete from communication.audit_checkpoints`;
  await checkpoint();
  // Nothing in the database can tell any more: only those who were told the old checkpoint.
  expect(await kinds()).toEqual([]);
});

test("a checkpoint with another signature is refused", async () => {
  await fill(2);
  await checkpoint();
  await t.db.owner`update communication.audit_checkpoints set signature = set_byte(signature, 5, 0)`;
  await t.db.owner`update communication.audit_checkpoints set at = at + interval '1 second'`;
  expect(await kinds()).toEqual([[2, "checkpoint"]]);
});

test("the application may neither change nor delete what was written", async () => {
  await fill(1);
  const { sql } = t.ctx;
  await expect(sql`update communication.audit set action = 'x'`).rejects.toThrow("permission denied");
  await expect(sql`delete from communication.audit`).rejects.toThrow("permission denied");
  await expect(sql`update communication.audit_chain set position = 9`).rejects.toThrow("permission denied");
  await expect(sql`delete from communication.audit_checkpoints`).rejects.toThrow("permission denied");
  await expect(sql`insert into communication.audit_unchained values (gen_random_uuid())`).rejects.toThrow(
    "permission denied",
  );
});

test("a checkpoint is signed after a minute or a thousand rows, and not before", async () => {
  const key = await loadCheckpointKey(t.ctx);
  const count = async () => (await t.ctx.sql`select 1 from communication.audit_checkpoints`).length;
  t.setNow(new Date("2026-05-01T10:00:00Z"));
  await writeCheckpoint(t.ctx, key);
  expect(await count()).toBe(0); // nothing to sign
  await fill(1);
  await writeCheckpoint(t.ctx, key);
  await fill(1);
  await writeCheckpoint(t.ctx, key);
  expect(await count()).toBe(1);
  t.setNow(new Date("2026-05-01T10:01:00Z"));
  await writeCheckpoint(t.ctx, key);
  expect(await count()).toBe(2);
});

test("an export proves itself without the database, and ends with its own row", async () => {
  await fill(4);
  const lines = await exported();
  const result = await verifyLines(lines);
  expect(result).toMatchObject({ ok: true, rows: 5, checkpoints: 1, lastPosition: 5 });
  expect(result.keys).toEqual((await checkAudit(t.ctx)).keys);
  expect(lines.some((line) => line.includes('"audit.exported"'))).toBe(true);
});

test("what was done to an export is found", async () => {
  await fill(4);
  const lines = await exported();
  const altered = lines.map((line) => line.replace('"job-2"', '"job-9"'));
  expect((await verifyLines(altered)).problems).toMatchObject([{ position: 2, kind: "altered" }]);
  const without = lines.filter((_, i) => i !== 2);
  expect((await verifyLines(without)).problems).toMatchObject([{ position: 3, kind: "gap" }]);
  const short = lines.filter((_, i) => i !== 5);
  expect((await verifyLines(short)).problems).toMatchObject([{ kind: "truncated" }]);
  await expect(verifyLines(lines.slice(0, -1))).rejects.toThrow("no end line");
  await expect(verifyLines([lines[0]!, ...lines])).rejects.toThrow("another head line");
  await expect(verifyLines([...lines.slice(0, 3), lines[3]!.slice(0, 20)])).rejects.toThrow(NotAnExport);
  await expect(verifyLines(lines.slice(1))).rejects.toThrow("does not begin with a head line");
});

test("who cuts an export behind a checkpoint, or leaves its checkpoints out, lacks the signature of its end", async () => {
  await fill(3);
  await checkpoint();
  await fill(3);
  const lines = await exported();
  const end = JSON.parse(lines.at(-1)!);
  const at = (kind: string) => lines.findIndex((line) => line.startsWith(`{"kind":"${kind}"`));
  const cut = (told: object) => [...lines.slice(0, at("checkpoint") + 2), JSON.stringify({ ...end, ...told })];
  expect((await verifyLines(cut({}))).problems).toMatchObject([{ position: 3, kind: "truncated" }]);
  const { hash } = JSON.parse(lines[at("checkpoint")]!);
  const forged = { rows: 3, checkpoints: 1, position: 3, hash };
  expect((await verifyLines(cut(forged))).problems).toMatchObject([{ position: 3, kind: "truncated" }]);
  const unsigned = lines.filter((line) => !line.startsWith('{"kind":"checkpoint"'));
  expect((await verifyLines(unsigned)).problems).toMatchObject([{ position: 7, kind: "truncated" }]);
  unsigned[unsigned.length - 1] = JSON.stringify({ ...end, checkpoints: 0 });
  expect((await verifyLines(unsigned)).problems).toMatchObject([{ position: 7, kind: "truncated" }]);
});

test("what no hash covers cannot be added to an export: another key, a key twice, another spelling", async () => {
  await fill(2);
  const lines = await exported();
  const withLine = async (index: number, change: (line: string) => string) =>
    (await verifyLines(lines.map((line, i) => (i === index ? change(line) : line)))).problems;
  const altered = [{ position: 2, kind: "altered" }];
  expect(await withLine(2, (line) => line.replace('"action":', '"action":"nothing.done","action":'))).toMatchObject(
    altered,
  );
  expect(await withLine(2, (line) => line.replace('"entry":{', '"entry":{"approvedBy":"ann",'))).toMatchObject(altered);
  expect(await withLine(2, (line) => line.replace('"entry":{', '"entry":{"__proto__":{},'))).toMatchObject(altered);
  expect(await withLine(2, (line) => line.replace('"actor":{', '"actor":{"role":"admin",'))).toMatchObject(altered);
  expect(await withLine(2, (line) => line.replace('"job-2"', '"job-\\u0032"'))).toMatchObject(altered);
  expect(await withLine(2, (line) => `${line} `)).toMatchObject(altered);
  expect(await withLine(0, (line) => line.replace('"anchor"', '"note":"of nobody","anchor"'))).toMatchObject([
    { position: 0, kind: "altered" },
  ]);
  expect(await withLine(2, (line) => `${line}\r`)).toEqual([]); // a copy by another system
});

test("an export proves itself whatever people typed", async () => {
  for (const text of [
    "line\u2028separator",
    "paragraph\u2029separator",
    "\ufeffmark",
    "ab\u0085",
    "\ufffd",
    "emoji 👩‍💻",
  ])
    await note(text, { [text]: text });
  await chainAudit(t.ctx);
  expect((await verifyLines(await exported())).problems).toEqual([]);
});

test("bytes that are no UTF-8 are not taken for the character that stands for them", async () => {
  await note("\ufffd");
  await chainAudit(t.ctx);
  const text = Buffer.from(`${(await exported()).join("\n")}\n`);
  const at = text.indexOf("\ufffd");
  const file = join(folder, "damaged.jsonl");
  writeFileSync(file, Buffer.concat([text.subarray(0, at), Buffer.from([0xff]), text.subarray(at + 3)]));
  await expect(verifyExport(file)).rejects.toThrow("not UTF-8");
});

test("the list is filtered by action, actor, object, outcome and time, and paged", async () => {
  t.setNow(new Date("2026-05-01T10:00:00Z"));
  await note("one");
  t.setNow(new Date("2026-05-02T10:00:00Z"));
  await note("two");
  await writeAudit(t.ctx, t.ctx.sql, actor(), {
    action: "job.deleted",
    outcome: "refused",
    object: { kind: "job", id: "9" },
  });
  const names = async (filter: object) =>
    (await listAudit(t.ctx, { limit: 50, ...filter })).items.map((e) => `${e.action} ${e.object?.name ?? ""}`);
  expect(await names({ action: "job.*" })).toEqual(["job.deleted ", "job.created two", "job.created one"]);
  expect(await names({ action: "job.created", object: "TWO" })).toEqual(["job.created two"]);
  expect(await names({ object: "9", objectKind: "job" })).toEqual(["job.deleted "]);
  expect(await names({ outcome: "refused", actor: "tester", actorKind: "user" })).toEqual(["job.deleted "]);
  expect(await names({ to: "2026-05-02T00:00:00Z" })).toEqual(["job.created one"]);
  expect(await names({ from: "2026-05-02T12:00:00+02:00", action: "job.created" })).toEqual(["job.created two"]);
  const first = await listAudit(t.ctx, { limit: 2 });
  const second = await listAudit(t.ctx, { limit: 2, cursor: first.nextCursor! });
  expect([...first.items, ...second.items].map((e) => e.object?.name)).toEqual([null, "two", "one"]);
  expect(second.nextCursor).toBeUndefined();
});

test("CSV is filtered, quoted, and no formula for a spreadsheet", async () => {
  await note('=cmd|" /C calc"!A0');
  await note("plain");
  const { body, fileName } = await exportAudit(t.ctx, actor(), { format: "csv", action: "job.*" });
  const text = await new Response(body).text();
  expect(fileName).toMatch(/^audit-\d{4}-\d\d-\d\d\.csv$/);
  expect(text.split("\r\n")).toHaveLength(4);
  expect(text).toContain(`,job,"'=cmd|"" /C calc""!A0",17,`);
  expect(["+1", "-1", "@x", "\tx", "x", null, undefined, 7].map(csvCell)).toEqual([
    "'+1",
    "'-1",
    "'@x",
    "'\tx",
    "x",
    "",
    "",
    "7",
  ]);
});
