// Checkpoints of the audit log on their way to agents, and what agents say when the log no longer fits them.
import type { AuditCheckpoint } from "@opsconductor/proto/opsconductor/agent/v1/agent";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeAudit } from "../communication/audit.ts";
import { auditDuties } from "../communication/audit-duties.ts";
import { chainAudit, writeCheckpoint } from "../communication/chain-audit.ts";
import { loadCheckpointKey, signCheckpoint } from "../communication/checkpoints.ts";
import { checkpointReader } from "../communication/latest-checkpoint.ts";
import { testActor } from "../testing/test-context.ts";
import { signedIn, type TestHttp, testHttp } from "../testing/test-http.ts";
import { connectFakeAgent, enrollFakeAgent } from "./testing/fake-agent.ts";
import { startTestController, type TestController } from "./testing/test-controller.ts";

let c: TestController;
let http: TestHttp;
let headers: { authorization: string };
beforeAll(async () => {
  c = await startTestController();
  http = testHttp(c.ctx);
  ({ headers } = await signedIn(c.ctx, http));
});
afterAll(() => c.close());

/** One more row, chained and signed, as an agent would be told of it. */
async function grow(): Promise<AuditCheckpoint> {
  await writeAudit(c.ctx, c.ctx.sql, testActor(), { action: "job.created" });
  await chainAudit(c.ctx);
  await writeCheckpoint(c.ctx, await loadCheckpointKey(c.ctx), { always: true });
  const newest = await checkpointReader(c.ctx)();
  return { ...newest!, generation: c.presence.mark!.generation };
}
const forks = async () => (await http.call("GET", "/api/v1/audit/forks", undefined, headers)).body;
const heartbeat = (auditFork: unknown) => ({
  ...{ sequence: 1n, atMs: 0n, runningAttempts: 0, spooledBytes: 0n, load1: 0, cpuFraction: 0, degraded: "" },
  ...{ memoryUsedBytes: 0n, memoryTotalBytes: 0n, auditFork: auditFork as undefined },
});

test("the newest is in a heartbeat once a stream, and never one that is older than what the agent keeps", async () => {
  const id = await enrollFakeAgent(c);
  const [older, newest] = [await grow(), await grow()];
  const stream = await connectFakeAgent(c, id, { checkpoints: [older] });
  const link = c.links.get(id.response.agentId)!;
  for (const told of [older, newest, newest, older]) link.heartbeat(Date.now(), c.presence.mark, told);
  await stream.next("heartbeat", 3);
  expect(stream.all("heartbeat").map((h) => h.checkpoint)).toEqual([undefined, newest, undefined, undefined]);
  expect(await forks()).toEqual({ items: [], open: 0 });
  stream.close();
});

test("a log that was rewritten in the database is found by the first agent that comes back", async () => {
  const id = await enrollFakeAgent(c);
  const kept = [await grow(), await grow(), await grow()];
  (await connectFakeAgent(c, id, { checkpoints: kept })).close();
  const { owner } = c.t.db;
  const at = kept[1]!.position;
  const [before] = await owner`select hash from communication.audit_chain where position = ${at}`;
  await owner`update communication.audit_chain set hash = sha256('other') where position = ${at}`;
  const rewritten = await connectFakeAgent(c, id, { checkpoints: kept });
  await expect.poll(async () => (await forks()).open).toBe(1);
  expect((await forks()).items[0]).toMatchObject({
    ...{ agentName: id.response.agentName, kind: "chain_differs", position: Number(at), proven: true, settled: null },
    keptHash: kept[1]!.hash.toString("hex"),
  });
  const again = await connectFakeAgent(c, id, { checkpoints: kept });
  await again.next("welcome");
  expect((await forks()).open).toBe(1);
  await owner`update communication.audit_chain set hash = ${before!.hash} where position = ${at}`;
  for (const stream of [rewritten, again]) stream.close();
});

test("a person settles a fork with a reason; it stays in the list and in the log", async () => {
  const [fork] = (await forks()).items;
  const path = `/api/v1/audit/forks/${fork.id}/settle`;
  expect((await http.call("POST", path, {}, headers)).status).toBe(400);
  const reader = (await signedIn(c.ctx, http, ["audit:read"])).headers;
  expect((await http.call("POST", path, { reason: "x" }, reader)).status).toBe(403);
  const settled = await http.call("POST", path, { reason: "a test of ours" }, headers);
  expect([settled.status, settled.body.settled.reason]).toEqual([200, "a test of ours"]);
  expect((await http.call("POST", path, { reason: "again" }, headers)).status).toBe(404);
  expect((await forks()).open).toBe(0);
  const rows = await c.ctx.sql`select action from communication.audit where action like 'audit.fork%' order by id`;
  expect(rows.map((row) => row.action)).toEqual(["audit.fork_found", "audit.fork_settled"]);
});

test("what an agent was told that contradicts what it keeps is recorded once, with whether it is proven", async () => {
  const id = await enrollFakeAgent(c);
  const stream = await connectFakeAgent(c, id);
  const kept = await grow();
  const key = await loadCheckpointKey(c.ctx);
  const other = { position: kept.position, hash: Buffer.alloc(32, 7), at: kept.at };
  const told = { ...kept, ...signCheckpoint(key, c.ctx.clusterId, other) };
  const fork = { kind: "other_hash", kept, told, noticedAtMs: BigInt(Date.now()) };
  for (let n = 0; n < 3; n++) stream.send({ $case: "heartbeat", value: heartbeat(fork) });
  const madeUp = { ...fork, told: { ...told, signature: Buffer.alloc(64) } };
  const liar = await enrollFakeAgent(c);
  const lying = await connectFakeAgent(c, liar);
  lying.send({ $case: "heartbeat", value: heartbeat(madeUp) });
  await expect.poll(async () => (await forks()).open).toBe(2);
  const byAgent = Object.fromEntries((await forks()).items.map((f: { agentName: string }) => [f.agentName, f]));
  expect(byAgent[id.response.agentName]).toMatchObject({ kind: "other_hash", proven: true });
  expect(byAgent[liar.response.agentName]).toMatchObject({ kind: "other_hash", proven: false });
  lying.send({ $case: "heartbeat", value: heartbeat({ ...fork, kind: "nonsense" }) });
  expect((await lying.next("goodbye")).code).toBe("protocol_error");
  for (const s of [stream, lying]) s.close();
});

test("forks that nobody settled are a metric", async () => {
  const duties = await auditDuties.start(c.ctx);
  expect(await c.ctx.metrics.metrics()).toContain("\noc_audit_forks 2\n");
  void duties;
});
