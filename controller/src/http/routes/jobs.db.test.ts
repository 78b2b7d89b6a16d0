import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FakeAgent } from "../../automation/testing/fake-agent.ts";
import { type TestContext, testContext } from "../../testing/test-context.ts";
import { signedIn, type TestHttp, testHttp } from "../../testing/test-http.ts";

let t: TestContext;
let http: TestHttp;
let headers: { authorization: string };
beforeAll(async () => {
  t = await testContext();
  http = testHttp(t.ctx);
  ({ headers } = await signedIn(t.ctx, http));
});
afterAll(() => t.close());

const yaml = (name: string, command = "uptime") =>
  `# kept as it is\napiVersion: opsconductor/v1\nkind: Job\nname: ${name}\nsteps:\n  - run: ${command}\n`;

async function send(method: string, path: string, text: string, more: Record<string, string> = {}) {
  const response = await http.app.request(path, {
    method,
    body: text,
    headers: { ...headers, "content-type": "text/yaml", ...more },
  });
  return { status: response.status, headers: response.headers, body: JSON.parse(await response.text()) };
}
const call = (method: string, path: string, body?: unknown, more: Record<string, string> = {}) =>
  http.call(method, path, body, { ...headers, ...more });

test("YAML is kept byte for byte, comments included, and found by id, number and name in any case", async () => {
  const text = yaml("Kept");
  const created = await send("POST", "/api/v1/jobs?message=first", text);
  expect(created).toMatchObject({
    status: 201,
    body: { name: "Kept", version: 1, definition: text, mediaType: "text/yaml" },
  });
  expect(created.headers.get("location")).toBe(`/api/v1/jobs/${created.body.id}`);
  for (const key of [created.body.id, "kept", String(created.body.number)])
    expect((await call("GET", `/api/v1/jobs/${key}`)).body.id).toBe(created.body.id);
  const { body } = await call("GET", "/api/v1/jobs/kept/versions");
  const sha256 = createHash("sha256").update(text).digest("hex");
  expect(body.items).toMatchObject([{ version: 1, message: "first", sha256 }]);
  expect(body.items[0].createdByName).toMatch(/^user-/);
});

test("the same bytes again make no version; others make the next, and an old version keeps its text", async () => {
  await send("POST", "/api/v1/jobs", yaml("versions"));
  const same = await send("PUT", "/api/v1/jobs/versions", yaml("versions"));
  expect(same.body).toMatchObject({ version: 1, revision: 1 });
  const next = await send("PUT", "/api/v1/jobs/versions", yaml("versions", "date"), { "if-match": '"1"' });
  expect(next.body).toMatchObject({ version: 2, revision: 2 });
  expect(next.headers.get("etag")).toBe('"2"');
  expect((await call("GET", "/api/v1/jobs/versions/versions/1")).body.definition).toBe(yaml("versions"));
  const late = await send("PUT", "/api/v1/jobs/versions", yaml("versions", "id"), { "if-match": '"1"' });
  expect(late).toMatchObject({ status: 412, body: { code: "version_mismatch" } });
});

test.each([
  ["carriage returns and no last newline", yaml("round").replaceAll("\n", "\r\n").trimEnd()],
  ["a byte order mark", `\u{feff}${yaml("round")}`],
  ["trailing blanks, quotes and signs of every plane", `${yaml("round", '"a  b" # é 😀 $(x)')}  \n\n`],
  [
    "JSON with its own spaces",
    '{ "apiVersion": "opsconductor/v1","kind":"Job",\t"name": "round", "steps": [{"run":"1.0"}] }\n',
  ],
])("what is exported is imported again with the same bytes: %s", async (_, text) => {
  const type = { "content-type": text.startsWith("{") ? "application/json" : "text/yaml" };
  const wanted = createHash("sha256").update(text).digest("hex");
  let exported = text;
  for (let n = 0; n < 2; n++) {
    const made = await send("POST", "/api/v1/jobs", exported, type);
    expect(made.status).toBe(201);
    const { body } = await call("GET", `/api/v1/jobs/${made.body.id}/versions`);
    expect(body.items).toMatchObject([{ version: 1, sha256: wanted }]);
    exported = (await call("GET", `/api/v1/jobs/${made.body.id}`)).body.definition;
    expect(Buffer.from(exported)).toEqual(Buffer.from(text));
    expect((await call("DELETE", `/api/v1/jobs/${made.body.id}`)).status).toBe(204);
  }
});

test("a definition is taken as JSON, in an envelope, and refused in anything else", async () => {
  const definition = { apiVersion: "opsconductor/v1", kind: "Job", name: "as-json", steps: [{ run: "true" }] };
  const json = await call("POST", "/api/v1/jobs", definition);
  expect(json).toMatchObject({
    status: 201,
    body: { definition: JSON.stringify(definition), mediaType: "application/json" },
  });
  const envelope = await call("POST", "/api/v1/jobs", { definition: yaml("enveloped"), message: "because" });
  expect(envelope).toMatchObject({ status: 201, body: { definition: yaml("enveloped"), mediaType: "text/yaml" } });
  expect((await send("POST", "/api/v1/jobs", "{", { "content-type": "application/json" })).status).toBe(400);
  expect((await send("POST", "/api/v1/jobs", "x", { "content-type": "text/html" })).status).toBe(415);
});

test("errors of a definition carry line and column, and validate says the same without saving", async () => {
  const wrong = yaml("wrong").replace("steps:", "stps:");
  const refused = await send("POST", "/api/v1/jobs", wrong);
  expect(refused).toMatchObject({ status: 400, body: { code: "invalid_argument" } });
  expect(refused.body.errors[0]).toMatchObject({ path: "stps", line: 5, column: 1, suggestion: "steps" });
  const validated = await send("POST", "/api/v1/jobs/validate", wrong);
  expect(validated.body).toEqual({ valid: false, errors: refused.body.errors });
  expect((await send("POST", "/api/v1/jobs/validate", yaml("fine"))).body).toEqual({
    valid: true,
    errors: [],
    name: "fine",
  });
  expect((await call("GET", "/api/v1/jobs/fine")).status).toBe(404);
});

test("a name is used once; a save may rename, and the old name is free again", async () => {
  await send("POST", "/api/v1/jobs", yaml("taken"));
  expect(await send("POST", "/api/v1/jobs", yaml("TAKEN"))).toMatchObject({ status: 409, body: { code: "conflict" } });
  expect((await send("PUT", "/api/v1/jobs/taken", yaml("moved"))).body.name).toBe("moved");
  expect((await send("POST", "/api/v1/jobs", yaml("taken"))).status).toBe(201);
  expect((await send("PUT", "/api/v1/jobs/moved", yaml("taken"))).status).toBe(409);
});

test("jobs are listed by name in pages, with the outcomes of their last executions", async () => {
  const agent = await FakeAgent.connected(t, "lister");
  for (const n of [1, 2, 3]) await send("POST", "/api/v1/jobs", yaml(`page-${n}`));
  const run = await call("POST", "/api/v1/jobs/page-2/execute", { targets: { names: ["lister"] } });
  await agent.run(agent.offers[0]!, Buffer.from(""));
  const first = await call("GET", "/api/v1/jobs?q=PAGE-&limit=2");
  expect(first.body.items.map((j: { name: string }) => j.name)).toEqual(["page-1", "page-2"]);
  expect(first.body.items[1].lastExecutions).toMatchObject([{ id: run.body.id, state: "succeeded" }]);
  const second = await call("GET", `/api/v1/jobs?q=page-&limit=2&cursor=${first.body.nextCursor}`);
  expect(second.body.items.map((j: { name: string }) => j.name)).toEqual(["page-3"]);
  expect(second.body.nextCursor).toBeUndefined();
});

test("a job with unfinished executions stays; without, it goes and its history remains", async () => {
  const agent = await FakeAgent.connected(t, "keeper");
  await send("POST", "/api/v1/jobs", yaml("goes"));
  const run = await call("POST", "/api/v1/jobs/goes/execute", { targets: { names: ["keeper"] } });
  expect(await call("DELETE", "/api/v1/jobs/goes")).toMatchObject({
    status: 409,
    body: { code: "failed_precondition" },
  });
  await agent.run(agent.offers[0]!, Buffer.from(""));
  expect((await call("DELETE", "/api/v1/jobs/goes")).status).toBe(204);
  expect((await call("GET", "/api/v1/jobs/goes")).status).toBe(404);
  expect((await call("GET", `/api/v1/executions/${run.body.id}`)).body).toMatchObject({
    jobName: "goes",
    state: "succeeded",
  });
});

test("every save and deletion is in the audit log", async () => {
  await send("POST", "/api/v1/jobs", yaml("audited"));
  await send("PUT", "/api/v1/jobs/audited", yaml("audited", "date"));
  await call("DELETE", "/api/v1/jobs/audited");
  const rows = await t.ctx.sql`select action, after from communication.audit where object_name = 'audited' order by id`;
  expect(rows.map((r) => [r.action, r.after?.version])).toEqual([
    ["job.created", 1],
    ["job.updated", 2],
    ["job.deleted", undefined],
  ]);
});

test("execute waits for the end when asked, and an empty body is an empty request", async () => {
  const agent = await FakeAgent.connected(t, "waited");
  await send("POST", "/api/v1/jobs", `${yaml("waits")}targets: { names: [waited] }\n`);
  const answer = call("POST", "/api/v1/jobs/waits/execute?wait=30s");
  await expect.poll(() => agent.offers.length).toBe(1);
  await agent.run(agent.offers[0]!, Buffer.from("x"));
  expect(await answer).toMatchObject({ status: 201, body: { state: "succeeded", counts: { succeeded: 1 } } });
  expect((await call("POST", "/api/v1/jobs/waits/execute?wait=1h")).status).toBe(400);
});

const check = async (text: string, as = headers) => {
  const { status, body } = await send("POST", "/api/v1/jobs/check", text, as);
  expect(status, JSON.stringify(body)).toBe(200);
  return body;
};

test("text that is not saved is checked against the fleet: targets, batches, called jobs, and what is still to be given", async () => {
  for (const name of ["draft-1", "draft-2", "draft-3"]) await FakeAgent.connected(t, name);
  await send("POST", "/api/v1/jobs", `${yaml("restart-web")}targets: { names: [draft-3] }\n`);
  const head =
    "apiVersion: opsconductor/v1\nkind: Job\nname: drafted\ninputs: { who: { type: string, required: true } }\n";
  const good = await check(
    `${head}stages:\n  roll:\n    targets: { select: "name~draft-*" }\n    rollout: { canary: 1, batch: 2 }\n    steps: [{ run: x }]\n  call: { needs: [roll], job: restart-web }\n  free: { steps: [{ run: x }] }\n`,
  );
  expect(good).toMatchObject({ valid: true, wouldRun: true, problems: [], targetCount: 3, limited: false });
  expect(good.stages.map((stage: { id: string }) => stage.id)).toEqual(["roll", "call", "free"]);
  expect(good.stages[0]).toMatchObject({
    job: null,
    targets: { count: 3, items: [{ name: "draft-1" }, { name: "draft-2" }, { name: "draft-3" }] },
    rollout: { batches: [1, 2] },
  });
  expect(good.stages[1]).toMatchObject({ job: { name: "restart-web", version: 1 }, targets: { count: 1 } });
  expect(good.notes).toEqual([
    "To be given for each execution: who is required.",
    "Stage free names no targets itself: choose them for each execution.",
  ]);
  const bad = await check(
    `${head}stages:\n  many:\n    targets: { select: "name~draft-*", max: 2 }\n    steps: [{ run: x }]\n  none: { targets: { select: "env=nowhere" }, steps: [{ run: x }] }\n  call: { job: restart-wbe }\n  self: { job: drafted }\n  fine: { targets: { names: [draft-1] }, steps: [{ run: x }] }\n`,
  );
  expect(bad).toMatchObject({ valid: true, wouldRun: false, targetCount: 1, stages: [{ id: "fine" }] });
  expect(bad.problems).toEqual([
    expect.objectContaining({
      stage: "many",
      line: 7,
      column: 24,
      message: expect.stringContaining("matches 3 targets"),
    }),
    expect.objectContaining({ stage: "none", line: 9, message: expect.stringContaining("matches no target") }),
    {
      ...{ stage: "call", line: 10, column: 16 },
      message: "Stage call: there is no job restart-wbe; did you mean restart-web?",
    },
    { stage: "self", line: 11, column: 16, message: "Stage self: drafted would call itself." },
  ]);
  expect((await call("GET", "/api/v1/jobs/drafted")).status).toBe(404);
  expect(await check(head)).toMatchObject({ valid: false, wouldRun: false, errors: [{ path: "steps" }], stages: [] });
});

test("a matrix of an input that nobody gave yet is a note; the calls of a saved job in a circle are a problem", async () => {
  await send("POST", "/api/v1/jobs", `${yaml("round-b").split("steps:")[0]}stages: { s: { job: round-a } }\n`);
  const circle = await check(
    "apiVersion: opsconductor/v1\nkind: Job\nname: round-a\nstages: { call: { job: round-b } }\n",
  );
  expect(circle.problems).toEqual([expect.objectContaining({ message: "Stage call/s: round-a would call itself." })]);
  const matrix = await check(
    "apiVersion: opsconductor/v1\nkind: Job\nname: matrix\ninputs: { zones: { type: list, required: true } }\n" +
      'stages: { s: { matrix: { zone: "${{ inputs.zones }}" }, targets: { select: "zone=${{ matrix.zone }}" }, steps: [{ run: x }] } }\n',
  );
  expect(matrix).toMatchObject({ wouldRun: true, problems: [] });
  expect(matrix.notes).toContain("Stage s: how often it is repeated depends on the input zones.");
});

test("who may write jobs and run none sees what a draft matches, and that somebody else has to run it", async () => {
  await FakeAgent.connected(t, "seen-1");
  const text = `${yaml("author")}targets: { select: "name~seen-*" }\n`;
  const author = await signedIn(t.ctx, http, ["jobs:write", "targets:read"]);
  expect(await check(text, author.headers)).toMatchObject({
    ...{ wouldRun: false, problems: [], targetCount: 1 },
    notes: ["You may not run jobs: the targets are those of them that you may read."],
  });
  const blind = await signedIn(t.ctx, http, ["jobs:write", "jobs:execute"]);
  expect(await check(text, blind.headers)).toMatchObject({ targetCount: 0, limited: true });
  const reader = await signedIn(t.ctx, http, ["jobs:read", "targets:read", "jobs:execute"]);
  expect((await send("POST", "/api/v1/jobs/check", text, reader.headers)).status).toBe(403);
});
