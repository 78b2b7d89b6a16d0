// What a client of the REST API hears when the database's answer to its commit was lost.
import type { PassingMessage } from "@opsconductor/database/testing/postgres-proxy";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { FakeAgent } from "../automation/testing/fake-agent.ts";
import { saveTestJob } from "../automation/testing/save-test-job.ts";
import { type TestContext, testContext } from "../testing/test-context.ts";
import { signedIn, type TestHttp, testHttp } from "../testing/test-http.ts";

let t: TestContext;
let http: TestHttp;
let headers: { authorization: string };
/** Cuts once. */
let cutAt: ((message: PassingMessage) => boolean) | undefined;
beforeAll(async () => {
  t = await testContext({}, (message) => {
    if (!cutAt?.(message)) return "pass";
    cutAt = undefined;
    return "reset";
  });
  http = testHttp(t.ctx);
  ({ headers } = await signedIn(t.ctx, http));
  await saveTestJob(t, "work");
  await FakeAgent.make(t, "away");
});
beforeEach(() => {
  cutAt = undefined;
});
afterAll(() => t.close());

const answerOfCommit = (m: PassingMessage) => m.tag === "COMMIT";
const commitItself = (m: PassingMessage) => m.from === "client" && m.type === "E" && m.statement === "commit";
const run = (more: Record<string, string> = {}) =>
  http.call("POST", "/api/v1/jobs/work/execute", { targets: { names: ["away"] } }, { ...headers, ...more });
const count = async () => (await http.call("GET", "/api/v1/executions", undefined, headers)).body.items.length;

test.each([
  ["after it was done", answerOfCommit],
  ["before it was done", commitItself],
])("a POST with a key whose commit was cut %s may be sent again, and is done once", async (_, cut) => {
  const before = await count();
  const key = { "idempotency-key": `key-${before}` };
  cutAt = cut;
  const lost = await run(key);
  expect(lost).toMatchObject({ status: 503, body: { code: "unavailable" } });
  expect(lost.headers.get("retry-after")).toBe("1");
  expect(lost.body.detail).toContain("same Idempotency-Key again");
  const again = await run(key);
  expect(again.status).toBe(201);
  expect((await run(key)).body.id).toBe(again.body.id);
  expect(await count()).toBe(before + 1);
});

test("a POST without a key hears that nobody knows whether it was done", async () => {
  cutAt = answerOfCommit;
  const lost = await run();
  expect(lost).toMatchObject({ status: 504, body: { code: "outcome_unknown" } });
  expect(lost.headers.get("retry-after")).toBeNull();
  expect(lost.body.detail).toContain("it is not known whether this was done");
});

test("a POST that was cut before its commit hears that nothing was changed", async () => {
  const before = await count();
  cutAt = (m) => m.from === "client" && /^insert/.test(m.statement ?? "");
  const target = { name: "new", labels: {} };
  const lost = await http.call("POST", "/api/v1/targets", target, headers);
  expect(lost).toMatchObject({ status: 503, body: { code: "unavailable" } });
  expect(lost.body.detail).toContain("Nothing was changed");
  expect((await http.call("POST", "/api/v1/targets", target, headers)).status).toBe(201);
  expect(await count()).toBe(before);
});

test("a GET that was cut may simply be asked again", async () => {
  cutAt = (m) => m.from === "server" && m.type === "C" && m.tag!.startsWith("SELECT");
  const lost = await http.call("GET", "/api/v1/executions", undefined, headers);
  expect(lost).toMatchObject({ status: 503, body: { code: "unavailable" } });
  expect(lost.headers.get("retry-after")).toBe("1");
  expect((await http.call("GET", "/api/v1/executions", undefined, headers)).status).toBe(200);
});
