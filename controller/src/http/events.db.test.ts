// The live stream as a page reads it: over a real connection, with its cuts.
import type { LiveEvent } from "@opsconductor/contract/api/events";
import { Registry } from "prom-client";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { FakeAgent } from "../automation/testing/fake-agent.ts";
import { execute, saveTestJob, tester } from "../automation/testing/save-test-job.ts";
import type { Context } from "../context.ts";
import { ensureBuiltInRoles } from "../identity/built-in-roles.ts";
import { type TestContext, testContext } from "../testing/test-context.ts";
import { signedIn, type TestHttp, testHttp } from "../testing/test-http.ts";
import { startHttpServer } from "./server.ts";

let t: TestContext;
let http: TestHttp;
let ctx: Context;
let server: Awaited<ReturnType<typeof startHttpServer>>;
const stopping = new AbortController();
const open: AbortController[] = [];

beforeAll(async () => {
  t = await testContext();
  await ensureBuiltInRoles(t.ctx);
  ctx = { ...t.ctx, signal: stopping.signal, config: { ...t.ctx.config, httpAddr: { host: "127.0.0.1", port: 0 } } };
  http = testHttp({ ...ctx, metrics: new Registry() });
  server = await startHttpServer(ctx);
});
afterEach(() => {
  for (const connection of open.splice(0)) connection.abort();
});
afterAll(async () => {
  await server.stop();
  await t.close();
});

interface Message {
  event: string;
  id: string;
  data: LiveEvent;
}
interface Stream {
  status: number;
  messages: Message[];
  ended: Promise<"ended" | "cut">;
}

async function follow(topics: string, headers: Record<string, string>): Promise<Stream> {
  const connection = new AbortController();
  open.push(connection);
  const url = `http://127.0.0.1:${server.port}/api/v1/events?topics=${topics}`;
  const response = await fetch(url, { headers, signal: connection.signal });
  const messages: Message[] = [];
  const ended = read(response, messages).then(
    () => "ended" as const,
    () => "cut" as const,
  );
  return { status: response.status, messages, ended };
}

async function read(response: Response, messages: Message[]): Promise<void> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body!) {
    const blocks = (rest + decoder.decode(chunk, { stream: true })).split("\n\n");
    rest = blocks.pop()!;
    for (const block of blocks) {
      const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s)));
      if (fields.event) messages.push({ event: fields.event, id: fields.id, data: JSON.parse(fields.data) });
    }
  }
}

const changed = (topic: string, id: string): LiveEvent => ({ kind: "changed", topic, ids: [id] });
const idsOf = (stream: Stream) =>
  stream.messages.filter((m) => m.event === "message").map((m) => (m.data.kind === "changed" ? m.data.ids[0] : ""));

test("a page gets what is published on its topics, after a first message that says it is subscribed", async () => {
  const { headers } = await signedIn(ctx, http);
  const stream = await follow("agents,jobs", headers);
  await expect.poll(() => stream.messages[0]?.event).toBe("ready");
  for (const topic of ["jobs", "targets", "agents"]) ctx.live.publish(changed(topic, topic));
  await expect.poll(() => idsOf(stream)).toEqual(["jobs", "agents"]);
});

test("on `me` come the ends of one's own executions and sign-ins to one's own account, and of no one else's", async () => {
  const ann = await signedIn(ctx, http, ["executions:read"]);
  const blind = await signedIn(ctx, http, []);
  const [anns, blinds] = [await follow("me", ann.headers), await follow("me", blind.headers)];
  await expect.poll(() => [anns.messages.length, blinds.messages.length]).toEqual([1, 1]);
  const job = "told-of";
  await saveTestJob({ ...t, ctx }, job);
  for (const [name, starter] of [
    ["told-1", ann],
    ["told-2", blind],
    ["told-3", undefined],
  ] as const) {
    const agent = await FakeAgent.connected({ ...t, ctx }, name);
    const { id } = await execute({ ...t, ctx }, job, [name], {}, starter && { ...tester, id: starter.userId });
    await agent.run(agent.offers[0]!, Buffer.from("done\n"), "step-1", "succeeded");
    await expect
      .poll(async () => (await ctx.sql`select state from automation.executions where id = ${id}`)[0]?.state)
      .toBe("succeeded");
  }
  const login = (who: typeof ann, agent: string) =>
    http.call("POST", "/api/v1/auth/login", who, { "user-agent": agent });
  const credentials = ({ username, password }: typeof ann) => ({ username, password }) as typeof ann;
  await login(credentials(ann), "a browser of her own");
  await login(credentials(ann), "a browser of her own");
  await login(credentials(blind), "another");
  const seen = (stream: Stream) =>
    stream.messages
      .slice(1)
      .map(({ data }) =>
        data.kind === "execution"
          ? [data.topic, data.execution.state]
          : data.kind === "session"
            ? [data.topic, data.userAgent, data.isNew]
            : data,
      );
  await expect
    .poll(() => seen(anns))
    .toEqual([
      ["me", "succeeded"],
      ["me", "a browser of her own", true],
      ["me", "a browser of her own", false],
    ]);
  await expect.poll(() => seen(blinds)).toEqual([["me", "another", true]]);
});

test("after a cut the page goes on where it was, and with an unknown id it is told to read again", async () => {
  const { headers } = await signedIn(ctx, http);
  const first = await follow("jobs", headers);
  await expect.poll(() => first.messages[0]?.event).toBe("ready");
  ctx.live.publish(changed("jobs", "1"));
  await expect.poll(() => idsOf(first)).toEqual(["1"]);
  open.splice(0)[0]!.abort();
  for (const id of ["2", "3"]) ctx.live.publish(changed("jobs", id));
  const second = await follow("jobs", { ...headers, "last-event-id": first.messages.at(-1)!.id });
  await expect.poll(() => idsOf(second)).toEqual(["2", "3"]);
  const lost = await follow("jobs", { ...headers, "last-event-id": "another-process-17" });
  await expect.poll(() => lost.messages[0]?.event).toBe("reset");
});

test("topics that nobody offers, too many or none are refused, and each needs its permission", async () => {
  const { headers } = await signedIn(ctx, http, ["jobs:read"]);
  const refused = async (topics: string) => (await follow(topics, headers)).status;
  expect(await refused("secrets")).toBe(400);
  expect(await refused("")).toBe(400);
  expect(await refused("executions:../../x")).toBe(400);
  expect(await refused("jobs,agents")).toBe(403);
  expect(await refused("executions:01999999-0000-7000-8000-000000000001")).toBe(403);
  expect((await follow("jobs", headers)).status).toBe(200);
  expect((await follow("jobs", {})).status).toBe(401);
});

test("a topic that is refused names the permission that is missing and who can grant it, and is audited once", async () => {
  const { headers, userId } = await signedIn(ctx, http, ["jobs:read"]);
  const { status, body } = await http.call("GET", "/api/v1/events?topics=jobs,audit", undefined, headers);
  expect([status, body.code]).toEqual([403, "permission_denied"]);
  expect(body.detail).toMatch(
    /^Following audit needs the permission audit:read; .* can grant it\. The roles admin, manager/,
  );
  expect(body.missing).toMatchObject({ permission: "audit:read", roles: expect.arrayContaining(["manager"]) });
  expect(body.missing.givers.length).toBeGreaterThan(0);
  const refusals = await ctx.sql`select action, detail from communication.audit
    where actor_id = ${userId} and outcome = 'refused'`;
  expect(refusals).toEqual([
    { action: "permission.refused", detail: { permission: "audit:read", route: "FOLLOW audit" } },
  ]);
});

test.each([
  ["a revoked session", "update identity.sessions set revoked_at = now() where user_id = $1"],
  ["a disabled user", "update identity.users set active = false where id = $1"],
  ["a permission that was taken away", "delete from identity.user_roles where user_id = $1"],
])("%s ends the stream", async (_, statement) => {
  const { headers, userId } = await signedIn(ctx, http, ["jobs:read"]);
  const stream = await follow("jobs", headers);
  await expect.poll(() => stream.messages.length).toBe(1);
  await t.db.owner.unsafe(statement, [userId]);
  expect(await stream.ended).toBe("ended"); // how soon: npm run bench -- revocation
});

test.each([
  ["a revoked API token", "update identity.api_tokens set revoked_at = now() where user_id = $1"],
  ["an API token that expires", "update identity.api_tokens set expires_at = now() where user_id = $1"],
  ["the deactivated owner of an API token", "update identity.users set active = false where id = $1"],
  ["a scope that the owner lost", "delete from identity.user_roles where user_id = $1"],
])("%s ends the stream", async (_, statement) => {
  const { headers, userId } = await signedIn(ctx, http, ["jobs:read", "tokens:own"]);
  const input = { name: "follower", scopes: ["jobs:read"] };
  const { token } = (await http.call("POST", "/api/v1/auth/tokens", input, headers)).body;
  const stream = await follow("jobs", { authorization: `Bearer ${token}` });
  await expect.poll(() => stream.messages.length).toBe(1);
  expect((await follow("agents", { authorization: `Bearer ${token}` })).status).toBe(403);
  await t.db.owner.unsafe(statement, [userId]);
  expect(await stream.ended).toBe("ended"); // how soon: npm run bench -- revocation
});

test("a page that does not read is cut instead of being remembered without end", async () => {
  const { headers } = await signedIn(ctx, http);
  const connection = new AbortController();
  open.push(connection);
  const url = `http://127.0.0.1:${server.port}/api/v1/events?topics=jobs`;
  const response = await fetch(url, { headers, signal: connection.signal }); // and never read
  expect(response.status).toBe(200);
  const before = process.memoryUsage().arrayBuffers;
  const big = "x".repeat(256 * 1024);
  for (let n = 0; n < 200; n++) {
    ctx.live.publish(changed("jobs", `${n}${big}`));
    if (n % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 100)); // a batch goes out every 80 ms
  }
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(40 * 1024 * 1024);
  await expect(response.text()).rejects.toThrow();
});

test("a stop of the controller ends all streams", async () => {
  const { headers } = await signedIn(ctx, http);
  const stream = await follow("jobs", headers);
  await expect.poll(() => stream.messages.length).toBe(1);
  stopping.abort();
  expect(await stream.ended).toBe("ended");
});

test("whoever has rights within a scope follows what is in it, and gets hints without ids", async () => {
  const admin = await signedIn(ctx, http);
  const own = await FakeAgent.connected(t, "scoped-own");
  const foreign = await FakeAgent.connected(t, "scoped-foreign");
  await saveTestJob(t, "scoped");
  const call = (path: string, body: unknown) => http.call("POST", `/api/v1/${path}`, body, admin.headers);
  expect((await call("groups", { name: "scoped" })).status).toBe(201);
  await call("groups/scoped/targets", { add: ["scoped-own"] });
  const { headers, username } = await signedIn(ctx, http, []);
  await call(`users/${username}/grants`, { role: "viewer", scope: { kind: "group", group: "scoped" } });
  const both = await execute(t, "scoped", ["scoped-own", "scoped-foreign"]);
  const stream = await follow(`executions,agents,targets,executions:${both.id}`, headers);
  await expect.poll(() => stream.messages[0]?.event).toBe("ready");
  const strange = await execute(t, "scoped", ["scoped-foreign"]);
  await foreign.run(foreign.offers[0]!, Buffer.from("x"));
  ctx.live.publish(changed("targets", foreign.targetId));
  await own.run(own.offers[0]!, Buffer.from("x"));
  const seen = () => JSON.stringify(stream.messages);
  await expect
    .poll(() => stream.messages.some(({ data }) => data.kind === "assignment" && data.state === "succeeded"))
    .toBe(true);
  await expect.poll(() => stream.messages.some(({ data }) => data.kind === "changed")).toBe(true);
  expect(seen()).toContain("scoped-own");
  for (const hidden of ["scoped-foreign", foreign.targetId, strange.id]) expect(seen()).not.toContain(hidden);
});
