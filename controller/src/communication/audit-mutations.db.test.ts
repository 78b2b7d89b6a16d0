// Random edits of the audit log by somebody who has the database: each is found in an export, offline. Those that take the
// signed checkpoints along are found with what an agent keeps. AUDIT_MUTATIONS=10000 makes the count of the bar (15 minutes).
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Sql } from "@opsconductor/database/connect";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Context } from "../context.ts";
import { type TestContext, testActor, testContext } from "../testing/test-context.ts";
import { writeAudit } from "./audit.ts";
import { selectChain, selectCheckpoints } from "./audit-chain-queries.ts";
import { chainAudit, linkAfter, writeCheckpoint } from "./chain-audit.ts";
import { loadCheckpointKey } from "./checkpoints.ts";
import { exportAudit } from "./export-audit.ts";
import { NotAnExport, verifyExport } from "./verify-export.ts";
import type { WitnessCheckpoint } from "./witnesses.ts";

const mutations = Number(process.env.AUDIT_MUTATIONS ?? 150);
const seed = Number(process.env.AUDIT_SEED ?? 7);
const rows = 40;
const columns = ["at", "actor_kind", "actor_id", "actor_name", "session_id", "request_id", "address", "action"];
const others = ["object_kind", "object_id", "object_name", "outcome", "before", "after", "detail"];

let t: TestContext;
let owner: Sql;
/** In the transaction of one edit. */
let q: Sql;
let ctx: Context;
let folder: string;
let witnesses: WitnessCheckpoint[];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "opsconductor-mutations-"));
  t = await testContext();
  owner = t.db.owner;
  const key = await loadCheckpointKey(t.ctx);
  for (let n = 1; n <= rows; n++) {
    const object = { kind: "job", id: String(n), name: `job-${n}` };
    await writeAudit(t.ctx, t.ctx.sql, testActor(), {
      action: "job.saved",
      object,
      before: { n },
      after: { n: n + 1 },
    });
    await chainAudit(t.ctx);
    if (n % 10 === 0) await writeCheckpoint(t.ctx, key, { always: true });
  }
  const publicKey = key.publicKey.export({ format: "der", type: "spki" });
  witnesses = (await selectCheckpoints(t.ctx.sql)).map((c) => ({ ...c, publicKey, generation: 1, from: "web-1" }));
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await t.close();
});

class Rollback extends Error {}

/** Within a transaction of the owner that is undone: the export sees the edit too. */
async function undone(work: () => Promise<void>): Promise<void> {
  const done = owner.begin(async (tx) => {
    q = tx as unknown as Sql;
    const savepoint = (inner: (sql: unknown) => Promise<unknown>) => tx.savepoint(inner as never);
    ctx = { ...t.ctx, sql: Object.assign(tx, { begin: savepoint }) as unknown as Sql };
    await work();
    throw new Rollback();
  });
  await done.catch((error) => {
    if (!(error instanceof Rollback)) throw error;
  });
}

/** What somebody may try: a name, and the edit with two random places in the log. */
/** Where a position's row is. */
const rowAt = (position: number) => q`(select audit_id from communication.audit_chain where position = ${position})`;
const tries: Record<string, (a: number, b: number) => Promise<unknown>> = {
  "edit a column": (a, b) => {
    const column = [...columns, ...others][b % (columns.length + others.length)]!;
    const to: Record<string, string> = {
      at: "at + interval '1 microsecond'",
      session_id: "gen_random_uuid()",
      before: `before || '{"n": ${b + 1000}}'`,
      after: "null",
      detail: `'{"n": ${b}}'`,
    };
    const value = to[column] ?? `coalesce(${column}, '') || '!'`;
    return q.unsafe(`update communication.audit set ${column} = ${value}
      where id = (select audit_id from communication.audit_chain where position = ${a})`);
  },
  "exchange the contents of two rows": async (a, b) => {
    const [x, y] = [rowAt(a), rowAt(b === a ? (a % rows) + 1 : b)];
    await q`create temporary table pair as select * from communication.audit where id in (${x}, ${y})`;
    const set = [...columns, ...others].map((column) => `${column} = p.${column}`).join();
    await q.unsafe(
      `update communication.audit a set ${set} from pair p where p.id <> a.id and a.id in (select id from pair)`,
    );
    await q`drop table pair`;
  },
  "delete a row": (a) => q`delete from communication.audit where id = ${rowAt(a)}`,
  "delete a link": (a) => q`delete from communication.audit_chain where position = ${a}`,
  "delete a row and its link": async (a) => {
    await tries["delete a row"]!(a, 0);
    await tries["delete a link"]!(a, 0);
  },
  "delete a row, its link, and close the gap": async (a) => {
    await tries["delete a row and its link"]!(a, 0);
    await q`update communication.audit_chain set position = -position where position > ${a}`;
    await q`update communication.audit_chain set position = -position - 1 where position < 0`;
  },
  "exchange two positions": async (a, b) => {
    const other = b === a ? (a % rows) + 1 : b;
    await q`update communication.audit_chain set position = -position where position in (${a}, ${other})`;
    await q`update communication.audit_chain set position = case when position = ${-a} then ${other}::bigint else ${a}::bigint end
      where position < 0`;
  },
  "put a row between": async (a) => {
    await q`update communication.audit_chain set position = -position where position >= ${a}`;
    await q`update communication.audit_chain set position = -position + 1 where position < 0`;
    const id = t.ctx.newId();
    await q`insert into communication.audit (id, at, actor_kind, action) values (${id}, now(), 'user', 'job.saved')`;
    await q`delete from communication.audit_unchained where audit_id = ${id}`;
    await q`insert into communication.audit_chain values (${a}, ${id}, sha256('x'))`;
  },
  "change a hash": (a, b) =>
    q`update communication.audit_chain set hash = set_byte(hash, ${b % 32}, (get_byte(hash, ${b % 32}) + 1) % 256)
      where position = ${a}`,
  "rewrite from a row on, with right hashes": (a) => rewriteFrom(a),
  "rewrite from a row on, and remove the checkpoints": async (a) => {
    await rewriteFrom(a);
    await q`delete from communication.audit_checkpoints`;
  },
  "cut the end off": (a) => cutFrom(a),
  "cut the end off, with its checkpoints": async (a) => {
    await cutFrom(a);
    await q`delete from communication.audit_checkpoints where position >= ${a}`;
  },
  "cut the beginning off": (a) => cutThrough(a),
  "cut the beginning off, with a checkpoint for an anchor": async (a) => {
    const through = Math.ceil(a / 10) * 10;
    await q`insert into communication.audit_anchors select * from communication.audit_checkpoints where position = ${through}`;
    await cutThrough(through);
  },
  "change a checkpoint": (a, b) => {
    const position = Math.ceil(a / 10) * 10;
    const change = [
      "hash = sha256('x')",
      "at = at + interval '1 s'",
      "signature = set_byte(signature, 3, get_byte(signature, 3) # 1)",
    ];
    return q.unsafe(`update communication.audit_checkpoints set ${change[b % 3]} where position = ${position}`);
  },
};

async function cutFrom(position: number) {
  await q`delete from communication.audit where id in (select audit_id from communication.audit_chain where position >= ${position})`;
  await q`delete from communication.audit_chain where position >= ${position}`;
}
async function cutThrough(position: number) {
  await q`delete from communication.audit where id in (select audit_id from communication.audit_chain where position <= ${position})`;
  await q`delete from communication.audit_chain where position <= ${position}`;
  await q`delete from communication.audit_checkpoints where position <= ${position}`;
}
/** As the appender would have made it. */
async function rewriteFrom(position: number) {
  await q`update communication.audit set actor_name = 'somebody else' where id = ${rowAt(position)}`;
  const chain = await selectChain(q, 0n, 1_000);
  for (const [n, link] of chain.entries()) {
    if (Number(link.position) < position) continue;
    const before = chain[n - 1] ?? { position: 0n, hash: seedHash() };
    link.hash = linkAfter(before, link as Parameters<typeof linkAfter>[1]).hash;
    await q`update communication.audit_chain set hash = ${link.hash} where position = ${link.position}`;
  }
}
const seedHash = () => createHash("sha256").update(`opsconductor audit v1\0${t.ctx.clusterId}`).digest();

function saved(text: string): string {
  const file = join(folder, "export.jsonl");
  writeFileSync(file, text);
  return file;
}

async function problemsOffline(): Promise<string[]> {
  const { body } = await exportAudit(ctx, testActor(), { format: "jsonl" });
  return (await verifyExport(saved(await new Response(body).text()), witnesses)).problems.map(({ kind }) => kind);
}

test("what nobody touched is right, and its witnesses agree", async () => {
  await undone(async () => expect(await problemsOffline()).toEqual([]));
});

test("an export is believed only when the key that is asked for signed it", async () => {
  const { body } = await exportAudit(t.ctx, testActor(), { format: "jsonl" });
  const text = await new Response(body).text();
  const [shown = ""] = (await verifyExport(saved(text))).keys;
  const command = fileURLToPath(new URL("../audit-verify.ts", import.meta.url));
  const verify = (key: string) =>
    spawnSync(process.execPath, [command, saved(text), "--key", key], { encoding: "utf8" });
  const right = verify(shown.replaceAll(" ", "-"));
  expect([right.status, right.stdout]).toEqual([0, expect.stringContaining(`the export's key is ${shown}`)]);
  const other = shown.replace(/\d/, (digit) => String((Number(digit) + 1) % 10));
  const wrong = verify(other);
  expect([wrong.status, wrong.stdout]).toEqual([1, expect.stringContaining(`another one than ${other}`)]);
  // Whoever takes the checkpoints away cannot say so at the end: that line is signed, too.
  const rowsOnly = text.split("\n").filter((line) => !line.includes('"kind":"checkpoint"'));
  const unsigned = await verifyExport(saved(rowsOnly.join("\n").replace(/"checkpoints":\d+/, '"checkpoints":0')));
  const message = expect.stringContaining("signature of the end line is not valid");
  expect(unsigned).toMatchObject({ checkpoints: 0, ok: false, problems: [{ message }] });
});

type LineEdit = (lines: string[], a: number, b: number) => string[];
const at = (n: number, lines: readonly string[]) => n % lines.length;
/** What somebody may do to the file: each line has its one place and its one text. */
const lineEdits: Record<string, LineEdit> = {
  "exchange two lines": (lines, a, b) => {
    const [x, y] = [at(a, lines), at(b, lines)];
    const other = y === x ? at(x + 1, lines) : y;
    return lines.with(x, lines[other]!).with(other, lines[x]!);
  },
  "exchange two neighbours": (lines, a) => {
    const x = a % (lines.length - 1);
    return lines.with(x, lines[x + 1]!).with(x + 1, lines[x]!);
  },
  "exchange a row with the checkpoint that follows it": (lines, a) => {
    const checkpoints = lines.flatMap((line, i) => (line.includes('"kind":"checkpoint"') ? [i] : []));
    const x = checkpoints[a % checkpoints.length]!;
    return lines.with(x, lines[x - 1]!).with(x - 1, lines[x]!);
  },
  "move a line": (lines, a, b) => {
    const [x, y] = [at(a, lines), at(b, lines)];
    return lines.toSpliced(x, 1).toSpliced(y === x ? at(x + 1, lines) : y, 0, lines[x]!);
  },
  "repeat a line": (lines, a, b) => lines.toSpliced(at(b, lines), 0, lines[at(a, lines)]!),
  "put one checkpoint in place of another": (lines, a, b) => {
    const checkpoints = lines.flatMap((line, i) => (line.includes('"kind":"checkpoint"') ? [i] : []));
    const x = a % checkpoints.length;
    const y = b % checkpoints.length === x ? (x + 1) % checkpoints.length : b % checkpoints.length;
    return lines.with(checkpoints[x]!, lines[checkpoints[y]!]!);
  },
  "remove a line": (lines, a) => lines.toSpliced(at(a, lines), 1),
  "alter one letter": (lines, a, b) => {
    const line = lines[at(a, lines)]!;
    const x = b % line.length;
    return lines.with(at(a, lines), line.slice(0, x) + (line[x] === "7" ? "8" : "7") + line.slice(x + 1));
  },
  "add an empty line": (lines, a) => lines.toSpliced(at(a, lines), 0, ""),
  "cut the file": (lines, a) => lines.slice(0, at(a, lines)),
};

test("lines of an export that are exchanged, moved, repeated, removed or altered are found without any witness", async () => {
  const key = await loadCheckpointKey(t.ctx);
  await writeCheckpoint(t.ctx, key, { always: true });
  const { body } = await exportAudit(t.ctx, testActor(), { format: "jsonl" });
  const lines = (await new Response(body).text()).trimEnd().split("\n");
  expect((await verifyExport(saved(`${lines.join("\n")}\n`))).problems).toEqual([]);
  const edit = fc.tuple(fc.constantFrom(...Object.keys(lineEdits)), fc.nat(10_000), fc.nat(10_000));
  const property = fc.asyncProperty(edit, async ([kind, a, b]) => {
    const edited = lineEdits[kind]!(lines, a, b);
    if (edited.join() === lines.join()) return; // e.g. one of two lines that are the same
    const found = await verifyExport(saved(`${edited.join("\n")}\n`)).then(
      ({ ok, problems }) => !ok && problems.length > 0,
      (error) => error instanceof NotAnExport,
    );
    expect(found, `${kind} at ${a}, ${b}`).toBe(true);
  });
  await fc.assert(property, { seed, numRuns: mutations * 4 });
});

test(
  `${mutations} random edits are all found offline`,
  async () => {
    const place = fc.integer({ min: 1, max: rows });
    const plan = fc.sample(fc.tuple(fc.constantFrom(...Object.keys(tries)), place, place), {
      numRuns: mutations,
      seed,
    });
    const unseen: string[] = [];
    const found = new Map<string, number>();
    for (const [kind, a, b] of plan) {
      await undone(async () => {
        await tries[kind]!(a, b);
        const problems = await problemsOffline();
        if (problems.length === 0) unseen.push(`${kind} at ${a}, ${b}`);
        else found.set(kind, (found.get(kind) ?? 0) + 1);
      });
    }
    if (process.env.AUDIT_MUTATIONS)
      process.stdout.write(`${JSON.stringify({ seed, ...Object.fromEntries(found) }, undefined, 1)}\n`);
    expect(unseen).toEqual([]);
    expect([...found.keys()].toSorted()).toEqual(Object.keys(tries).toSorted());
  },
  60_000 + mutations * 500,
);
