// Rows that retention removed leave an anchor; what agents keep outlives both a rewritten log and an accepted restore.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type TestContext, testActor, testContext } from "../testing/test-context.ts";
import { writeAudit } from "./audit.ts";
import { selectCheckpoints } from "./audit-chain-queries.ts";
import { chainAudit, writeCheckpoint } from "./chain-audit.ts";
import { checkAudit } from "./check-audit.ts";
import { type CheckpointKey, loadCheckpointKey, signCheckpoint } from "./checkpoints.ts";
import { exportAudit } from "./export-audit.ts";
import { listAudit } from "./list-audit.ts";
import { pruneAudit } from "./prune-audit.ts";
import { verifyExport } from "./verify-export.ts";
import type { WitnessCheckpoint } from "./witnesses.ts";

let t: TestContext;
let key: CheckpointKey;
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "opsconductor-retention-"));
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(async () => {
  t = await testContext();
  key = await loadCheckpointKey(t.ctx);
});
afterEach(() => t.close());

const dayMs = 86_400_000;
const daysAgo = (days: number) => new Date(Date.now() - days * dayMs);
async function note(action = "job.created", before?: Record<string, unknown>): Promise<void> {
  await writeAudit(t.ctx, t.ctx.sql, testActor(), { action, ...(before ? { before } : {}) });
  await chainAudit(t.ctx);
}
const sign = () => writeCheckpoint(t.ctx, key, { always: true });
async function kept(generation = 1): Promise<WitnessCheckpoint[]> {
  const publicKey = key.publicKey.export({ format: "der", type: "spki" });
  return (await selectCheckpoints(t.ctx.sql)).map((c) => ({ ...c, publicKey, generation, from: "web-1.json" }));
}
async function offline(witnesses: WitnessCheckpoint[] = [], change = (text: string) => text) {
  const { body } = await exportAudit(t.ctx, testActor(), { format: "jsonl" });
  const file = join(folder, "export.jsonl");
  writeFileSync(file, change(await new Response(body).text()));
  return verifyExport(file, witnesses);
}
const messages = async (witnesses: WitnessCheckpoint[]) => (await offline(witnesses)).problems.map((p) => p.message);

async function aged(): Promise<WitnessCheckpoint[]> {
  for (const days of [100, 90, 80, 10, 5]) {
    t.setNow(daysAgo(days));
    await note();
    await sign();
  }
  t.setNow(new Date());
  return kept();
}

test("rows that are older than configured go, and the rest proves itself from a signed anchor", async () => {
  const witnesses = await aged();
  expect(await pruneAudit(t.ctx, key, 60)).toBe(3);
  expect(await pruneAudit(t.ctx, key, 60)).toBe(0);
  const actions = (await listAudit(t.ctx, { limit: 10 })).items.map(({ action }) => action);
  expect(actions).toEqual(["audit.pruned", "job.created", "job.created"]);
  await chainAudit(t.ctx);
  expect(await checkAudit(t.ctx)).toMatchObject({ ok: true, rows: 3, firstPosition: 4, lastPosition: 6 });
  // The one at the anchor still agrees; those before it can be compared with nothing.
  expect(await offline(witnesses)).toMatchObject({ ok: true, firstPosition: 4, witnesses: 3 });
});

test("an anchor that is not signed, or of another position, is found", async () => {
  await aged();
  await pruneAudit(t.ctx, key, 60);
  await t.db.owner`update communication.audit_anchors set hash = sha256('x')`;
  expect((await checkAudit(t.ctx)).problems.map((p) => p.kind)).toEqual(["anchor", "altered"]);
  await t.db.owner`delete from communication.audit_anchors`;
  expect((await checkAudit(t.ctx)).problems.map((p) => p.kind)).toEqual(["gap"]);
});

test("the application cannot remove what is younger than a month, nor with a hash that is not the chain's", async () => {
  await aged();
  const prune = (position: number, hash: string) => t.ctx.sql`
    select communication.prune_audit(${position}, ${
      hash === ""
        ? t.ctx.sql`(select hash from communication.audit_chain
      where position = ${position})`
        : t.ctx.sql`sha256('x')`
    }, now(), gen_random_uuid(), 'x')`;
  await expect(prune(4, "")).rejects.toThrow("rows of the last 30 days are kept");
  await expect(prune(2, "other")).rejects.toThrow("no position 2 with this hash");
  expect(await checkAudit(t.ctx)).toMatchObject({ ok: true, rows: 5 });
});

test("a chain whose rows are all gone goes on from its anchor", async () => {
  t.setNow(daysAgo(100));
  await note();
  t.setNow(new Date());
  expect(await pruneAudit(t.ctx, key, 60)).toBe(1);
  await note();
  expect(await checkAudit(t.ctx)).toMatchObject({ ok: true, firstPosition: 2, lastPosition: 3 });
});

test("who rewrites the log with the key in hand contradicts what agents keep", async () => {
  for (let n = 0; n < 6; n++) await note();
  await sign();
  const witnesses = await kept();
  expect(await offline(witnesses)).toMatchObject({ ok: true, witnesses: 1 });
  const { owner } = t.db;
  await owner`update communication.audit set actor_name = 'somebody else'`;
  await owner`insert into communication.audit_unchained select audit_id from communication.audit_chain`;
  await owner`truncate communication.audit_chain, communication.audit_checkpoints`;
  await chainAudit(t.ctx);
  expect(await offline()).toMatchObject({ ok: true });
  expect(await messages(witnesses)).toEqual(["web-1.json keeps a checkpoint of position 6 with another hash"]);
});

test("a witness of another cluster, or with another key, is told apart", async () => {
  await note();
  await sign();
  const [witness] = await kept();
  const damaged = { ...witness!, hash: Buffer.alloc(32) };
  expect(await messages([damaged])).toEqual([expect.stringContaining("its signature is not valid")]);
  const lines = (text: string) => text.replace(/"spki":"[^"]+"/, `"spki":"${otherKey}"`);
  expect((await offline([witness!], lines)).problems[0]?.message).toContain("another key than the export names");
});
const otherKey = "MCowBQYDK2VwAyEAp5TJ8CDkye2P/UNiy2WoSq989XnNv8lJ0beNzWwB6R0=";

test("what a restored backup lost contradicts nothing once a person accepted it; what came before still does", async () => {
  for (let n = 0; n < 3; n++) {
    await note();
    await sign();
  }
  const before = await kept();
  await note(); // this, and its checkpoint, the backup does not have
  await sign();
  const lost = (await kept()).slice(-1);
  const { owner } = t.db;
  await owner`delete from communication.audit_checkpoints where position = 4`;
  await owner`delete from communication.audit where id = (select audit_id from communication.audit_chain where position = 4)`;
  await owner`delete from communication.audit_chain where position = 4`;
  await note("database.found_older");
  expect(await messages([...before, ...lost])).toEqual([
    "web-1.json keeps a checkpoint of position 4 with another hash",
  ]);
  await note("database.accepted", { generation: 1 });
  expect(await offline([...before, ...lost])).toMatchObject({ ok: true, witnesses: 3 });
  const rewritten = { ...before[1]!, ...otherHash(before[1]!) };
  expect(await messages([rewritten])).toEqual(["web-1.json keeps a checkpoint of position 2 with another hash"]);
});

function otherHash(c: WitnessCheckpoint) {
  return signCheckpoint(key, t.ctx.clusterId, { position: c.position, at: c.at, hash: Buffer.alloc(32, 5) });
}
