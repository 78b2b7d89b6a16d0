import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FakeAgent, finishedStep, finishedTry, piece, started, starting } from "../../automation/testing/fake-agent.ts";
import { execute, saveTestJob } from "../../automation/testing/save-test-job.ts";
import { forgetSession } from "../../identity/authenticate.ts";
import { type TestContext, testContext } from "../../testing/test-context.ts";
import { signedIn, type TestHttp, testHttp } from "../../testing/test-http.ts";

let t: TestContext;
let http: TestHttp;
let headers: { authorization: string };
let agent: FakeAgent;
let path: string;
let id: string;
const data = Buffer.from("first\nsecond \u0000\nthird");
beforeAll(async () => {
  t = await testContext();
  http = testHttp(t.ctx);
  ({ headers } = await signedIn(t.ctx, http, ["executions:read"]));
  await saveTestJob(t, "prints");
  agent = await FakeAgent.connected(t, "web-1");
  ({ id } = await execute(t, "prints", ["web-1"]));
  await agent.run(agent.offers[0]!, data);
  path = `/api/v1/executions/${id}`;
});
afterAll(() => t.close());

const call = (method: string, url: string, body?: unknown) => http.call(method, url, body, headers);
const download = (url: string, more: Record<string, string> = {}) =>
  http.app.request(url, { headers: { ...headers, ...more } });

const outputHeaders = (all: Headers) => Object.fromEntries([...all].filter(([name]) => name.startsWith("oc-output-")));

test("an execution is read by id and by number, whole", async () => {
  const { status, body } = await call("GET", path);
  expect(status).toBe(200);
  expect(body).toMatchObject({ state: "succeeded", counts: { succeeded: 1 }, unreachable: 0, jobName: "prints" });
  expect(body.definition).toContain("name: prints");
  expect(body.stages[0].steps).toMatchObject([{ id: "step-1" }]);
  expect((await call("GET", `/api/v1/executions/${body.number}`)).body.id).toBe(id);
  for (const unknown of ["999999", "01999999-0000-7000-8000-000000000001", "nonsense"])
    expect((await call("GET", `/api/v1/executions/${unknown}`)).status).toBe(404);
});

test("lists, assignments, steps and lines answer in the shapes of the contract", async () => {
  expect((await call("GET", "/api/v1/executions?job=prints&state=succeeded")).body.items).toHaveLength(1);
  expect((await call("GET", `${path}/assignments`)).body.items).toMatchObject([
    { targetName: "web-1", stepStates: ["succeeded"] },
  ]);
  expect((await call("GET", `${path}/steps?target=web-1`)).body.items[0].tries).toMatchObject([{ exitCode: 0 }]);
  const { body } = await call("GET", `${path}/output?target=web-1&step=step-1&from=-2`);
  expect(body).toMatchObject({
    from: 1,
    lines: ["second \u2400", "third"],
    totalLines: 3,
    lastLineOpen: true,
    complete: true,
  });
});

test("a download is the exact bytes, an attachment that is never sniffed, and takes ranges", async () => {
  const url = `${path}/output.txt?target=web-1&step=step-1`;
  const whole = await download(url);
  expect(Buffer.from(await whole.arrayBuffer())).toEqual(data);
  expect(whole.headers.get("content-length")).toBe(String(data.length));
  expect(whole.headers.get("content-disposition")).toMatch(/^attachment; filename="prints-\d+-web-1-step-1.txt"$/);
  expect(whole.headers.get("x-content-type-options")).toBe("nosniff");
  const part = await download(url, { range: "bytes=6-11" });
  expect([part.status, await part.text()]).toEqual([206, "second"]);
  expect(part.headers.get("content-range")).toBe(`bytes 6-11/${data.length}`);
  expect((await download(url, { range: "bytes=100-" })).status).toBe(416);
});

test("a download says what it is of: bytes, sha256, complete, and a tag that a range can go on from", async () => {
  const url = `${path}/output.txt?target=web-1&step=step-1`;
  const { headers } = await download(url);
  const sha256 = createHash("sha256").update(data).digest("hex");
  expect(outputHeaders(headers)).toEqual({
    "oc-output-bytes": String(data.length),
    "oc-output-complete": "true",
    "oc-output-sha256": sha256,
    "oc-output-verified": "true",
  });
  expect(headers.get("etag")).toBe(`"${sha256}"`);
  const rest = { range: "bytes=6-" };
  expect((await download(url, { ...rest, "if-range": `"${sha256}"` })).status).toBe(206);
  expect((await download(url, { ...rest, "if-range": '"another"' })).status).toBe(200);
});

test("a ticket downloads once, without a token, within its minute", async () => {
  const ask = async () => (await call("POST", `${path}/output-ticket?target=web-1&step=step-1`)).body.url as string;
  const url = await ask();
  expect((await http.app.request(url, { method: "HEAD" })).status).toBe(405);
  const first = await http.app.request(url);
  expect(Buffer.from(await first.arrayBuffer())).toEqual(data);
  expect((await http.app.request(url)).status).toBe(404);
  const late = await ask();
  await t.ctx.sql`update automation.download_tickets set expires_at = now() - interval '1 second'`;
  expect((await http.app.request(late)).status).toBe(404);
  expect((await http.app.request("/api/v1/downloads/short")).status).toBe(400);
});

test.each([
  [
    "the role is taken away",
    "update identity.roles set permissions = '{jobs:read}' where id in (select role_id from identity.user_roles where user_id = $1)",
  ],
  ["the session ends", "update identity.sessions set revoked_at = now() where user_id = $1"],
  ["the account is deactivated", "update identity.users set active = false where id = $1"],
])("a ticket is worthless when %s within its minute", async (_, statement) => {
  const ann = await signedIn(t.ctx, http, ["executions:read"]);
  const ask = () => http.call("POST", `${path}/output-ticket?target=web-1&step=step-1`, undefined, ann.headers);
  const [{ body: used }, { body: kept }] = [await ask(), await ask()];
  expect((await http.app.request(used.url)).status).toBe(200);
  await t.ctx.sql.unsafe(statement, [ann.userId]);
  forgetSession(t.ctx, null);
  expect((await http.app.request(kept.url)).status).toBe(404);
});

test("a ticket that an API token asked for ends with the token", async () => {
  const ann = await signedIn(t.ctx, http, ["executions:read", "tokens:own"]);
  const made = await http.call("POST", "/api/v1/auth/tokens", { name: "robot", scopes: ["*"] }, ann.headers);
  const headers = { authorization: `Bearer ${made.body.token}` };
  const ask = () => http.call("POST", `${path}/output-ticket?target=web-1&step=step-1`, undefined, headers);
  const [{ body: used }, { body: kept }] = [await ask(), await ask()];
  expect((await http.app.request(used.url)).status).toBe(200);
  expect((await http.call("DELETE", `/api/v1/auth/tokens/${made.body.id}`, undefined, ann.headers)).status).toBe(204);
  expect((await http.app.request(kept.url)).status).toBe(404);
});

test("who read and who downloaded is in the audit log", async () => {
  const rows = await t.ctx.sql`select distinct action from communication.audit where object_id = ${id} order by 1`;
  expect(rows.map((r) => r.action)).toEqual([
    "execution.created",
    "execution.output_downloaded",
    "execution.output_read",
  ]);
});

test("cancelling what is finished is refused, and needs its own permission", async () => {
  expect((await call("POST", `${path}/cancel`)).status).toBe(403);
  const operator = await signedIn(t.ctx, http, ["executions:cancel"]);
  const answer = await http.call("POST", `${path}/cancel`, { reason: "late" }, operator.headers);
  expect(answer).toMatchObject({ status: 409, body: { code: "failed_precondition" } });
});

test("the overview counts agents, work and outcomes", async () => {
  const viewer = await signedIn(t.ctx, http, ["targets:read", "agents:read", "jobs:read", "executions:read"]);
  await FakeAgent.make(t, "never-there");
  const { status, body } = await http.call("GET", "/api/v1/overview", undefined, viewer.headers);
  expect(status).toBe(200);
  expect(body.agents).toEqual({ online: 1, offline: 1, quarantined: 0, total: 2 });
  expect(body).toMatchObject({ targets: 2, jobs: 1, queued: 0, last24h: { total: 1, failed: 0 } });
  expect(body.hours).toHaveLength(24);
  expect(body.hours[23]).toMatchObject({ succeeded: 1, failed: 0, other: 0 });
  expect(body.latest).toMatchObject([{ id, state: "succeeded" }]);
});

test("an execution that waits for its agent counts as waiting in the overview, not as running", async () => {
  await execute(t, "prints", ["never-there"]);
  const { body } = await call("GET", "/api/v1/overview");
  expect(body).toMatchObject({ running: { executions: 0, targets: 0 }, queued: 1 });
});

test("an execution that waits for approval counts as waiting too", async () => {
  const before = (await call("GET", "/api/v1/overview")).body;
  await saveTestJob(t, "guarded", "approval: { required: 1 }\nsteps: [{ run: reboot }]");
  const { state } = await execute(t, "guarded", ["never-there"]);
  expect(state).toBe("awaiting_approval");
  const { body } = await call("GET", "/api/v1/overview");
  expect(body).toMatchObject({ running: before.running, queued: before.queued + 1 });
});

test("where the cap left output out, a download has a line that says so, and raw=1 has none", async () => {
  await saveTestJob(t, "capped");
  const capped = await execute(t, "capped", ["web-1"]);
  const offer = agent.offers.at(-1)!;
  await agent.say(offer, { kind: "accepted" }, starting());
  await agent.push(piece(offer, 0n, Buffer.from("head")));
  const running = await download(`/api/v1/executions/${capped.id}/output.txt?target=web-1&step=step-1`);
  expect(outputHeaders(running.headers)).toEqual({ "oc-output-bytes": "4", "oc-output-complete": "false" });
  expect([running.headers.get("etag"), await running.text()]).toEqual([null, "head"]);
  await agent.push(piece(offer, 4n, Buffer.from("tail\n")));
  const ended = { ...finishedTry(Buffer.from("headtail\n")), gaps: [{ offset: 4n, omittedBytes: 5000n }] };
  await agent.say(offer, started(), ended, finishedStep(), { kind: "finished", state: "succeeded", reason: "" });
  const where = "target=web-1&step=step-1";
  const marked = await download(`/api/v1/executions/${capped.id}/output.txt?${where}`);
  const text = "head\n✂ 5000 bytes left out here: the output limit was reached\ntail\n";
  expect(await marked.text()).toBe(text);
  expect(marked.headers.get("content-length")).toBe(String(Buffer.byteLength(text)));
  expect(outputHeaders(marked.headers)).toMatchObject({
    "oc-output-bytes": "9",
    "oc-output-gap": "offset=4;omitted=5000",
    "oc-output-verified": "true",
  });
  const part = await download(`/api/v1/executions/${capped.id}/output.txt?${where}`, { range: "bytes=-10" });
  expect(await part.text()).toBe("ached\ntail\n".slice(-10));
  const raw = await download(`/api/v1/executions/${capped.id}/output.txt?${where}&raw=1`);
  expect([await raw.text(), raw.headers.get("oc-output-gap")]).toEqual(["headtail\n", "offset=4;omitted=5000"]);
  expect(raw.headers.get("etag")).not.toBe(marked.headers.get("etag"));
  for (const [more, expected] of [["", text] as const, ["&raw=1", "headtail\n"] as const]) {
    const { url } = (await call("POST", `/api/v1/executions/${capped.id}/output-ticket?${where}${more}`)).body;
    expect(await (await http.app.request(url)).text()).toBe(expected);
  }
});
