// Requests that are still being answered when their session ends, over a real connection.

import { pino } from "pino";
import { Registry } from "prom-client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FakeAgent, piece, started, starting } from "../automation/testing/fake-agent.ts";
import { execute, saveTestJob } from "../automation/testing/save-test-job.ts";
import type { Context } from "../context.ts";
import { createIdentity } from "../identity/identity.ts";
import { createLive } from "../live/in-process.ts";
import { type TestContext, testContext } from "../testing/test-context.ts";
import { signedIn, type TestHttp, testHttp } from "../testing/test-http.ts";
import { startHttpServer } from "./server.ts";

let t: TestContext;
let http: TestHttp;
let server: Awaited<ReturnType<typeof startHttpServer>>;
beforeAll(async () => {
  t = await testContext();
  const ctx: Context = { ...t.ctx, config: { ...t.ctx.config, httpAddr: { host: "127.0.0.1", port: 0 } } };
  http = testHttp({ ...ctx, metrics: new Registry() });
  server = await startHttpServer(ctx);
  await FakeAgent.make(t, "away");
  await saveTestJob(t, "waits");
});
afterAll(async () => {
  await server.stop();
  await t.close();
});

const patient = { timeout: 30_000 };
/** Two seconds are promised; the machine of a test may have other work. What is never cut goes on for half a minute. */
const lateMs = 10_000;

/** Waits half a minute for an execution that nobody will run. */
function wait(headers: Record<string, string>, seconds: number): Promise<number | "cut"> {
  return fetch(`http://127.0.0.1:${server.port}/api/v1/jobs/waits/execute?wait=${seconds}s`, {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify({ targets: { names: ["away"] } }),
  }).then(
    ({ status }) => status,
    () => "cut" as const,
  );
}
const begun = (userId: string) => async () =>
  (await t.ctx.sql`select 1 from automation.executions where requested_by = ${userId}`).length;

test.each([
  ["a revoked session", "update identity.sessions set revoked_at = now() where user_id = $1"],
  ["a disabled user", "update identity.users set active = false where id = $1"],
])("%s ends its open requests within two seconds", async (_, statement) => {
  const { headers, userId } = await signedIn(t.ctx, http);
  const answer = wait(headers, 30);
  await expect.poll(begun(userId), patient).toBe(1);
  await t.ctx.sql.unsafe(statement, [userId]);
  const started = performance.now();
  expect(await answer).toBe("cut");
  expect(performance.now() - started).toBeLessThan(lateMs);
});

/** Another controller on the same database: what it remembers of sessions is its own, and its log tells what it cut. */
async function startOther() {
  const cuts: number[] = [];
  const log = pino(
    { level: "info" },
    { write: (line) => line.includes("request.revoked") && cuts.push(performance.now()) },
  );
  const identity = createIdentity(t.ctx.identity.signingKey);
  const config = { ...t.ctx.config, httpAddr: { host: "127.0.0.1", port: 0 } };
  const other = await startHttpServer({
    ...t.ctx,
    config,
    identity,
    log,
    live: createLive(log),
    metrics: new Registry(),
  });
  return { ...other, cuts, at: (path: string) => `http://127.0.0.1:${other.port}${path}` };
}

/** An execution with more output than all the buffers on the way to a reader hold. */
async function executionWithOutput(name: string, pieces: number): Promise<{ path: string; bytes: number }> {
  await saveTestJob(t, name);
  const agent = await FakeAgent.connected(t, name);
  const { id } = await execute(t, name, [name]);
  const offer = agent.offers[0]!;
  const part = Buffer.alloc(1 << 20, "some output\n");
  await agent.say(offer, { kind: "accepted" }, starting(), started());
  for (let i = 0; i < pieces; i++) await agent.push(piece(offer, BigInt(i * part.length), part));
  return { path: `/api/v1/executions/${id}/output-ticket?target=${name}&step=step-1`, bytes: pieces * part.length };
}

/** When it ended, whichever way, and how much came. */
async function readToEnd(body: ReadableStream<Uint8Array>): Promise<{ at: number; bytes: number }> {
  let bytes = 0;
  try {
    for await (const chunk of body) bytes += chunk.length;
  } catch {
    // cut
  }
  return { at: performance.now(), bytes };
}

test("what an account does on another controller ends within two seconds, too: its stream, its download, its request", async () => {
  const output = await executionWithOutput("prints-much", 14);
  const { headers, userId } = await signedIn(t.ctx, http);
  const admin = await signedIn(t.ctx, http);
  const other = await startOther();
  const stream = await fetch(other.at("/api/v1/events?topics=executions"), { headers });
  const streamed = readToEnd(stream.body!);
  const ticket = await http.call("POST", output.path, undefined, headers);
  const download = await fetch(other.at(ticket.body.url)); // and nobody reads it for now
  const asked = fetch(other.at("/api/v1/jobs/waits/execute?wait=30s"), {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify({ targets: { names: ["away"] } }),
  }).then(
    () => "answered",
    () => "cut",
  );
  await expect.poll(begun(userId), patient).toBe(1);
  const before = performance.now();
  expect((await http.call("PATCH", `/api/v1/users/${userId}`, { active: false }, admin.headers)).status).toBe(200);
  expect((await streamed).at - before).toBeLessThan(lateMs);
  expect(await asked).toBe("cut");
  await expect.poll(() => other.cuts.length, patient).toBe(2);
  for (const at of other.cuts) expect(at - before).toBeLessThan(lateMs);
  expect((await readToEnd(download.body!)).bytes).toBeLessThan(output.bytes);
  await other.stop();
}, 60_000);

test("a request whose session goes on is answered, however long it takes", async () => {
  const { headers } = await signedIn(t.ctx, http);
  expect(await wait(headers, 3)).toBe(201);
});
