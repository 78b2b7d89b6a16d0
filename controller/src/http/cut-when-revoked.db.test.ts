// Requests that are still being answered when their session ends, over a real connection.
import { Registry } from "prom-client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FakeAgent } from "../automation/testing/fake-agent.ts";
import { saveTestJob } from "../automation/testing/save-test-job.ts";
import type { Context } from "../context.ts";
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
  await expect.poll(begun(userId)).toBe(1);
  await t.ctx.sql.unsafe(statement, [userId]);
  const started = performance.now();
  expect(await answer).toBe("cut");
  expect(performance.now() - started).toBeLessThan(2500);
});

test("a request whose session goes on is answered, however long it takes", async () => {
  const { headers } = await signedIn(t.ctx, http);
  expect(await wait(headers, 3)).toBe(201);
});
