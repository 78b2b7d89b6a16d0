import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { packJobs, unpackJobs } from "../../automation/job-archive.ts";
import { FakeAgent } from "../../automation/testing/fake-agent.ts";
import { type TestContext, testContext } from "../../testing/test-context.ts";
import { signedIn, type TestAnswer, type TestHttp, testHttp } from "../../testing/test-http.ts";

type Headers = Record<string, string>;
let t: TestContext;
let http: TestHttp;
let admin: Headers;
beforeAll(async () => {
  t = await testContext({ rateLimit: 0 });
  http = testHttp(t.ctx);
  admin = (await signedIn(t.ctx, http)).headers;
});
afterAll(() => t.close());

const yaml = (name: string, command = "uptime", more = "") =>
  `# kept\napiVersion: opsconductor/v1\nkind: Job\nname: ${name}\n${more}steps:\n  - run: ${command}\n`;
const at = new Date("2026-11-20T10:00:00Z");
const zip = (files: Record<string, string | Uint8Array>) =>
  packJobs(Object.entries(files).map(([name, text]) => ({ name, bytes: Buffer.from(text), at })));

const call = (method: string, path: string, body?: unknown, headers = admin) =>
  http.call(method, `/api/v1/${path}`, body, headers);
const save = (name: string, command?: string, more?: string) =>
  call("POST", "jobs", { definition: yaml(name, command, more) });

async function send(body: string | Uint8Array<ArrayBuffer>, query = "", headers = admin): Promise<TestAnswer> {
  const type = typeof body === "string" ? "text/yaml" : "application/zip";
  const asked = { method: "POST", body, headers: { ...headers, "content-type": type } };
  const response = await http.app.request(`/api/v1/job-imports${query}`, asked);
  return { status: response.status, headers: response.headers, body: await response.json(), cookie: undefined };
}
const outcomes = ({ body }: TestAnswer) =>
  Object.fromEntries(body.jobs.map((job: { name: string; outcome: string }) => [job.name, job.outcome]));

async function fetched(path: string, body?: unknown, headers = admin) {
  const asked = body === undefined ? { headers } : { method: "POST", body: JSON.stringify(body), headers };
  const type = body === undefined ? {} : { "content-type": "application/json" };
  const response = await http.app.request(`/api/v1/${path}`, { ...asked, headers: { ...headers, ...type } });
  return { status: response.status, headers: response.headers, bytes: new Uint8Array(await response.arrayBuffer()) };
}
const exported = async (choice: unknown, headers = admin) => (await fetched("job-exports", choice, headers)).bytes;
const namesIn = async (bytes: Uint8Array) => (await unpackJobs(bytes)).files.map(({ name }) => name);
const actions = async (like: string) =>
  await t.ctx.sql<{ action: string; detail: unknown; objectName: string | null }[]>`
    select action, detail, object_name from communication.audit where action like ${like} order by id`;
const deleted = (name: string) => call("DELETE", `jobs/${name}`);

test("a version is downloaded with its exact bytes, as a file with a name, and that is in the audit log", async () => {
  const text = `\u{feff}${yaml("bytes").replaceAll("\n", "\r\n").trimEnd()}`;
  await call("POST", "jobs", { definition: text });
  await http.call("PUT", "/api/v1/jobs/bytes", { definition: yaml("bytes", "date") }, admin);
  const first = await fetched("jobs/bytes/versions/1/definition");
  expect(Buffer.from(first.bytes)).toEqual(Buffer.from(text));
  expect(Object.fromEntries(first.headers)).toMatchObject({
    "content-type": "text/yaml; charset=utf-8",
    "content-disposition": 'attachment; filename="bytes-v1.yaml"',
    "x-content-type-options": "nosniff",
  });
  expect((await fetched("jobs/bytes/versions/3/definition")).status).toBe(404);
  const rows = await actions("job.exported");
  expect(rows).toMatchObject([{ objectName: "bytes", detail: { version: 1 } }]);
});

test("the export has the jobs that the list shows for the same filter, or exactly those that are named", async () => {
  await save("cat-one");
  await save("two", "uptime", "description: All about the CAT.\n");
  await save("three");
  const { body } = await call("GET", "jobs?q=cAt");
  expect(body.items.map((job: { name: string }) => job.name)).toEqual(["cat-one", "two"]);
  expect(await namesIn(await exported({ q: "cAt" }))).toEqual(["cat-one.yaml", "two.yaml"]);
  expect(await namesIn(await exported({ jobs: ["THREE", body.items[0].id] }))).toEqual(["cat-one.yaml", "three.yaml"]);
  expect((await namesIn(await exported({}))).length).toBeGreaterThanOrEqual(3);
  expect((await call("POST", "job-exports", { jobs: ["three", "fourth"] })).body.detail).toContain("no job fourth");
  expect((await call("POST", "job-exports", { q: "nothing like it" })).status).toBe(404);
  expect((await call("POST", "job-exports", { q: "a", jobs: ["three"] })).status).toBe(400);
  const rows = await actions("jobs.exported");
  expect(rows[0]!.detail).toEqual({ q: "cAt", jobs: ["cat-one v1", "two v1"] });
});

test("whatever the bytes of jobs are, they come back from an export as they were", async () => {
  const character = fc.constantFrom("é", "😀", "\t", " ", "#", "x", "\r\n# ", "\n# ", "\u2028", "\u{feff}");
  const text = fc.record({
    bom: fc.constantFrom("", "\u{feff}"),
    start: fc.constantFrom("", "--- # start\n", "# ---\n"),
    comment: fc.array(character, { maxLength: 12 }).map((parts) => parts.join("")),
    end: fc.constantFrom("", "\n", "\r\n\r\n", "\n...\n", "  \n"),
  });
  await fc.assert(
    fc.asyncProperty(text, async ({ bom, start, comment, end }) => {
      const definition = `${bom}${start}${yaml("round").trimEnd()} # ${comment}${end}`;
      const archive = await zip({ "a/round.yaml": definition, "b.json": json });
      expect(outcomes(await send(archive))).toEqual({ round: "new", "round-json": "new" });
      const back = await exported({ jobs: ["round", "round-json"] });
      for (const name of ["round", "round-json"]) expect((await deleted(name)).status).toBe(204);
      const { files } = await unpackJobs(back);
      expect(files.map(({ name, bytes }) => [name, Buffer.from(bytes).toString("utf8")])).toEqual([
        ["round.yaml", definition],
        ["round-json.json", json],
      ]);
    }),
    { numRuns: 25 },
  );
});
const json = '{ "apiVersion": "opsconductor/v1","kind":"Job",\t"name": "round-json", "steps": [{"run":"1.0"}] }';

test("a dry run says new, new version and unchanged, and saves nothing; the import then does exactly that", async () => {
  await save("same");
  await save("Other");
  const files = { "same.yaml": yaml("same"), "other.yaml": yaml("other", "date"), "fresh.yaml": yaml("fresh") };
  const archive = await zip({ ...files, "README.md": "jobs" });
  const dry = await send(archive, "?dryRun=true");
  expect(dry.body).toMatchObject({
    saved: false,
    ignored: ["README.md"],
    jobs: [
      { file: "same.yaml", name: "same", outcome: "unchanged", version: 1, errors: [] },
      { file: "other.yaml", name: "other", outcome: "new_version", version: 2, errors: [] },
      { file: "fresh.yaml", name: "fresh", outcome: "new", version: 1, errors: [] },
    ],
  });
  expect((await call("GET", "jobs/fresh")).status).toBe(404);
  const done = await send(archive, `?plan=${dry.body.plan}&message=moved`);
  expect(done.body).toEqual({ ...dry.body, saved: true });
  const { body } = await call("GET", "jobs/other/versions");
  expect(body.items).toMatchObject([{ version: 2, message: "moved" }, { version: 1 }]);
  expect((await call("GET", "jobs/OTHER")).body.name).toBe("other");
  const again = await send(archive);
  expect(again.body).toMatchObject({ saved: false, jobs: [{ version: 1 }, { version: 2 }, { version: 1 }] });
  expect(outcomes(again)).toEqual({ same: "unchanged", other: "unchanged", fresh: "unchanged" });
  expect(await actions("jobs.imported")).toMatchObject([
    ...Array(25).fill({}),
    { detail: { new: 1, newVersions: 1, unchanged: 1 } },
  ]);
});

test("what was saved since the dry run is not overwritten unseen", async () => {
  await save("raced");
  const archive = await zip({ "raced.yaml": yaml("raced", "mine") });
  const { plan } = (await send(archive, "?dryRun=true")).body;
  await http.call("PUT", "/api/v1/jobs/raced", { definition: yaml("raced", "theirs") }, admin);
  expect(await send(archive, `?plan=${plan}`)).toMatchObject({ status: 412, body: { code: "version_mismatch" } });
  expect((await call("GET", "jobs/raced")).body).toMatchObject({ version: 2, definition: yaml("raced", "theirs") });
  expect((await send(archive)).body.jobs).toMatchObject([{ outcome: "new_version", version: 3 }]);
});

test("one mistake, and nothing of the file is imported; every mistake is told with its file, line and column", async () => {
  const wrong = yaml("wrong").replace("steps:", "stps:");
  const files = { "good.yaml": yaml("good"), "a/wrong.yaml": wrong, "bin.yml": Buffer.from([0xff, 0xfe, 0x00]) };
  const archive = await zip({ ...files, "schedule.yaml": yaml("later").replace("kind: Job", "kind: Schedule") });
  const dry = await send(archive, "?dryRun=true");
  expect(dry.body.jobs).toMatchObject([
    { outcome: "new", errors: [] },
    { outcome: "problem", version: null, errors: [{ path: "stps", line: 5, column: 1, suggestion: "steps" }] },
    { outcome: "problem", name: null, errors: [{ message: "the definition is not UTF-8 text" }] },
    { outcome: "problem", errors: [{ path: "kind", line: 3 }] },
  ]);
  const refused = await send(archive);
  expect(refused).toMatchObject({ status: 400, body: { code: "invalid_argument" } });
  expect(refused.body.detail).toMatch(/^Nothing was imported: a\/wrong\.yaml: stps: line 5, column 1: /);
  expect(refused.body.errors[0]).toMatchObject({ path: "a/wrong.yaml: stps", line: 5, column: 1 });
  expect((await call("GET", "jobs/good")).status).toBe(404);
});

test("two files of one name, an empty one, an archive without jobs and one that is none are refused in words", async () => {
  const twice = await send(await zip({ "one.yaml": yaml("Twin"), "two.yaml": yaml("tWIN") }), "?dryRun=true");
  expect(twice.body.jobs.map((job: { errors: { message: string }[] }) => job.errors[0]!.message)).toEqual([
    "two.yaml is also a job called Twin; keep one of them, or give one another name",
    "one.yaml is also a job called tWIN; keep one of them, or give one another name",
  ]);
  const old = yaml("old").replace("opsconductor/v1", "opsconductor/v9");
  const others = await send(await zip({ "empty.yaml": "", "old.yaml": old }), "?dryRun=true");
  expect(others.body.jobs[0].errors[0]).toMatchObject({ line: 1, message: expect.stringContaining("is empty") });
  expect(others.body.jobs[1].errors[0]).toMatchObject({ path: "apiVersion", line: 2 });
  expect((await send(await zip({ "README.md": "x" }))).body.detail).toContain("no job in the archive");
  expect((await send(new Uint8Array(30))).body.detail).toContain("cannot be read as a ZIP archive");
});

test("a single definition is imported as it is, and lines are those of its text", async () => {
  const text = yaml("alone");
  const dry = await send(text, "?dryRun=true");
  expect(dry.body.jobs).toMatchObject([{ file: null, name: "alone", outcome: "new", version: 1 }]);
  expect((await send(text)).body.saved).toBe(true);
  expect((await call("GET", "jobs/alone")).body.definition).toBe(text);
  const refused = await send(text.replace("steps:", "stps:"));
  expect(refused.body).toMatchObject({ code: "invalid_argument", errors: [{ path: "stps", line: 5, column: 1 }] });
});

test("jobs that call each other are imported in any order, and a call of a job that is nowhere is noted", async () => {
  const deepest = yaml("deepest", "uptime", "targets: { names: [printer] }\n");
  const calls = (name: string, job: string) =>
    `apiVersion: opsconductor/v1\nkind: Job\nname: ${name}\nstages:\n  one: { job: ${job} }\n  two: { needs: [one], job: ${job} }\n`;
  const files = {
    "a.yaml": calls("caller", "Callee"),
    "b.yaml": calls("callee", "deepest"),
    "z.yaml": deepest,
  };
  const note = (name: string) => `it calls ${name}, which is neither in this file nor a job that you may read`;
  const dry = await send(await zip({ ...files, "z.yaml": yaml("other-one") }), "?dryRun=true");
  expect(dry.body.jobs).toMatchObject([{ notes: [] }, { outcome: "new", notes: [note("deepest")] }, {}]);
  const whole = await send(await zip(files));
  expect(whole.body.jobs.map((job: { notes: string[] }) => job.notes)).toEqual([[], [], []]);
  await FakeAgent.connected(t, "printer");
  const plan = await call("POST", "jobs/caller/plan", {});
  expect(plan.body).toMatchObject({ problem: null, wouldRun: true, targetCount: 1 });
});

test("an import may do what each save may: a right within a scope reaches its jobs, and makes none", async () => {
  await save("mine");
  await save("theirs");
  const { headers, username } = await signedIn(t.ctx, http, ["targets:read"]);
  await call("POST", "roles", { name: "writer", permissions: ["jobs:read", "jobs:write"] });
  const { body: mine } = await call("GET", "jobs/mine");
  const grant = { role: "writer", scope: { kind: "job", job: mine.id } };
  expect(await call("POST", `users/${username}/grants`, grant)).toMatchObject({ status: 201 });
  const archive = (name: string) => zip({ "mine.yaml": yaml("mine", "id"), [`${name}.yaml`]: yaml(name, "id") });
  for (const name of ["theirs", "nobodys"]) {
    const dry = await send(await archive(name), "?dryRun=true", headers);
    const words = `there is no job ${name} that you may read, and making jobs takes the permission jobs:write over everything`;
    expect(dry.body.jobs).toMatchObject([
      { outcome: "new_version" },
      { outcome: "problem", errors: [{ message: words }] },
    ]);
    const refused = await send(await archive(name), "", headers);
    expect(refused).toMatchObject({ status: 403, body: { missing: { permission: "jobs:write" } } });
  }
  expect((await call("GET", "jobs/mine")).body.version).toBe(1);
  expect((await send(yaml("mine", "id"), "", headers)).body).toMatchObject({ saved: true });
  expect(await namesIn(await exported({}, headers))).toEqual(["mine.yaml"]);
  expect((await call("POST", "job-exports", { jobs: ["theirs"] }, headers)).status).toBe(404);
});

test("a name that a job out of sight has is a conflict, as it is for a save", async () => {
  await save("hidden");
  const { headers } = await signedIn(t.ctx, http, ["jobs:write"]);
  const dry = await send(yaml("hidden", "id"), "?dryRun=true", headers);
  expect(dry.body.jobs).toMatchObject([
    { outcome: "problem", errors: [{ message: expect.stringContaining("choose another name") }] },
  ]);
  expect(await send(yaml("hidden", "id"), "", headers)).toMatchObject({ status: 409, body: { code: "conflict" } });
  expect((await call("GET", "jobs/hidden")).body.version).toBe(1);
});

test("who may read jobs and change none sees what is unchanged, and no right is needed for that", async () => {
  await save("readable");
  const { headers } = await signedIn(t.ctx, http, ["jobs:read"]);
  expect(await send(yaml("readable"), "", headers)).toMatchObject({ status: 403 });
  await call("POST", "roles", { name: "editor-of-one", permissions: ["jobs:write"] });
  const { body: other } = await save("editable");
  const reader = await signedIn(t.ctx, http, ["jobs:read"]);
  const grant = { role: "editor-of-one", scope: { kind: "job", job: other.id } };
  expect((await call("POST", `users/${reader.username}/grants`, grant)).status).toBe(201);
  const files = { "readable.yaml": yaml("readable"), "editable.yaml": yaml("editable", "id") };
  expect((await send(await zip(files), "", reader.headers)).body).toMatchObject({
    saved: true,
    jobs: [{ outcome: "unchanged" }, { outcome: "new_version" }],
  });
  const changed = await send(await zip({ "readable.yaml": yaml("readable", "id") }), "?dryRun=true", reader.headers);
  expect(changed.body.jobs[0].errors[0].message).toBe("your permission jobs:write does not reach readable");
});

test("priority high takes its permission, unless the job has it already", async () => {
  const { headers } = await signedIn(t.ctx, http, ["jobs:read", "jobs:write"]);
  const high = "priority: high\n";
  await save("urgent", "uptime", high);
  expect((await send(yaml("urgent", "id", high), "", headers)).body).toMatchObject({ saved: true });
  const refused = await send(yaml("rush", "id", high), "", headers);
  expect(refused).toMatchObject({ status: 403, body: { missing: { permission: "executions:prioritize" } } });
});

test("imports of the same jobs at the same time neither hang nor make halves", async () => {
  const names = Array.from({ length: 12 }, (_, n) => `rush-${n}`);
  const archive = (order: string[], command: string) =>
    zip(Object.fromEntries(order.map((name) => [`${name}.yaml`, yaml(name, command)])));
  const all = await Promise.all([
    send(await archive(names, "one")),
    send(await archive([...names].reverse(), "two")),
    send(await archive(names.slice(3).concat(names.slice(0, 3)), "three")),
  ]);
  expect(all.map(({ status }) => status).filter((status) => status !== 200 && status !== 409)).toEqual([]);
  expect(all.some(({ status }) => status === 200)).toBe(true);
  const texts = await Promise.all(
    names.map(async (name) => (await call("GET", `jobs/${name}`)).body.spec.steps[0].run),
  );
  expect(new Set(texts).size).toBe(1);
});

test("a thousand jobs are exported and imported as one file", async () => {
  const names = Array.from({ length: 1000 }, (_, n) => `bulk-${String(n).padStart(4, "0")}`);
  const archive = await zip(Object.fromEntries(names.map((name) => [`${name}.yaml`, yaml(name)])));
  const done = await send(archive);
  expect(done.body).toMatchObject({ saved: true });
  const back = await exported({ q: "bulk-" });
  expect((await unpackJobs(back)).files).toHaveLength(1000);
  expect((await send(back as Uint8Array<ArrayBuffer>)).body.saved).toBe(false);
  expect((await call("POST", "job-exports", {})).body.detail).toContain("more than 1000 jobs");
}, 60_000);
