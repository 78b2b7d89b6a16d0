// What a stolen session is not enough for: dangerous acts ask for a fresh proof, and go on after it.
import { dangerousWhen, requirementOf, routeRequirements } from "@opsconductor/contract/permissions";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { FakeAgent } from "../automation/testing/fake-agent.ts";
import { SoftwareAuthenticator } from "../testing/software-authenticator.ts";
import { type TestContext, testContext } from "../testing/test-context.ts";
import { signedIn, type TestHttp, testHttp } from "../testing/test-http.ts";
import { ensureBuiltInRoles } from "./built-in-roles.ts";
import { createIdentity } from "./identity.ts";
import { codeAt, newSeed } from "./totp.ts";

let t: TestContext;
let http: TestHttp;
beforeAll(async () => {
  t = await testContext({ stepUpTargets: 2 });
  await ensureBuiltInRoles(t.ctx);
  http = testHttp(t.ctx);
});
afterAll(() => t.close());
beforeEach(() => {
  t.setNow(new Date("2027-03-01T12:00:00Z"));
  Object.assign(t.ctx.identity, createIdentity(t.ctx.identity.signingKey));
});

type Person = Awaited<ReturnType<typeof signedIn>>;
const post = (path: string, body: unknown, headers: Record<string, string>) =>
  http.call("POST", `/api/v1/${path}`, body, headers);
const stepUp = (body: unknown, { headers }: Pick<Person, "headers">) => post("auth/step-up", body, headers);

/** The same session, eleven minutes on. */
async function aged(person: Person): Promise<Person> {
  t.setNow(new Date(t.ctx.now().getTime() + 11 * 60_000));
  return renewed(person);
}

async function renewed(person: Person): Promise<Person> {
  const { body, cookie } = await http.call("POST", "/api/v1/auth/refresh", undefined, { cookie: person.cookie });
  return { ...person, headers: { authorization: `Bearer ${body.accessToken}` }, cookie: cookie! };
}
let added = 0;
const addUser = ({ headers }: Pick<Person, "headers">) =>
  post("users", { username: `added-${added++}`, roles: ["viewer"] }, headers);

test("a sign-in is proof enough for ten minutes; later the password is asked for, and then all goes on", async () => {
  const ann = await signedIn(t.ctx, http);
  expect((await addUser(ann)).status).toBe(201);
  const old = await aged(ann);
  const asked = await addUser(old);
  expect(asked).toMatchObject({
    status: 403,
    body: { code: "reauthentication_required", proof: { methods: ["password"] } },
  });
  const wrong = await stepUp({ password: "not the password" }, old);
  expect([wrong.status, wrong.body.errors[0].path]).toEqual([400, "password"]);
  expect((await addUser(old)).status).toBe(403);
  expect((await stepUp({ password: old.password }, old)).status).toBe(204);
  expect((await addUser(old)).status).toBe(201);
  const rows = await t.ctx.sql`select action from communication.audit where actor_id = ${ann.userId} order by id`;
  expect(rows.map(({ action }) => action)).toEqual(
    expect.arrayContaining(["user.step_up_refused", "user.stepped_up", "user.created"]),
  );
});

test("exactly the marked routes ask, and a missing permission is told before", async () => {
  const marked = Object.keys(routeRequirements).filter((route) => requirementOf(route)!.stepUp);
  expect(marked.length).toBeGreaterThan(15);
  const nobodyYet = await signedIn(t.ctx, http, []);
  const old = await aged(await signedIn(t.ctx, http));
  const nobody = await renewed(nobodyYet);
  for (const route of Object.keys(routeRequirements)) {
    const [method, path] = route.split(" ") as [string, string];
    if (requirementOf(route)!.needs === "public" || (method === "GET" && !marked.includes(route))) continue;
    const call = (headers: Record<string, string>) =>
      http.call(method, path.replaceAll(/\{[^}]+\}/g, "01999999-0000-7000-8000-000000000001"), undefined, headers);
    const answer = await call(old.headers);
    expect([route, answer.body.code === "reauthentication_required"]).toEqual([route, marked.includes(route)]);
    if (marked.includes(route) && requirementOf(route)!.needs !== "token")
      expect([route, (await call(nobody.headers)).body.code]).toEqual([route, "permission_denied"]);
  }
});

test("wrong passwords are counted as at the sign-in", async () => {
  const old = await aged(await signedIn(t.ctx, http));
  const tries = Array.from({ length: 12 }, () => stepUp({ password: "not the password" }, old));
  const statuses = (await Promise.all(tries)).map(({ status }) => status);
  expect(statuses.filter((status) => status === 400)).toHaveLength(8);
  expect((await stepUp({ password: old.password }, old)).status).toBe(429);
});

test("who has a second factor proves themselves with it, each code once", async () => {
  const ann = await signedIn(t.ctx, http);
  const seed = newSeed();
  const sealed = t.ctx.keys.seal(`identity.totp_factors/${ann.userId}`, seed);
  const at = t.ctx.now();
  await t.ctx.sql`insert into identity.totp_factors (user_id, seed_sealed, created_at, confirmed_at)
    values (${ann.userId}, ${sealed}, ${at}, ${at})`;
  const old = await aged(ann);
  expect((await addUser(old)).body.proof.methods).toEqual(["totp", "recovery"]);
  expect((await stepUp({ password: old.password }, old)).body.code).toBe("failed_precondition");
  expect((await stepUp({ code: "000000" }, old)).status).toBe(400);
  const code = codeAt(seed, t.ctx.now());
  expect((await stepUp({ code }, old)).status).toBe(204);
  expect((await stepUp({ code }, old)).status).toBe(400);
  expect((await addUser(old)).status).toBe(201);
});

test("a passkey proves the session that asked for it, and no other", async () => {
  const ann = await signedIn(t.ctx, http);
  const key = new SoftwareAuthenticator();
  const begun = (await post("auth/passkeys/options", undefined, ann.headers)).body;
  await post(
    "auth/passkeys",
    { ceremony: begun.ceremony, name: "key", credential: key.create(begun.options) },
    ann.headers,
  );
  const asked = (await post("auth/passkey/options", {}, {})).body;
  const other = await post("auth/passkey", { ceremony: asked.ceremony, credential: key.get(asked.options) }, {});
  const thief = await aged({ ...ann, cookie: other.cookie! });
  t.setNow(new Date(t.ctx.now().getTime() - 11 * 60_000));
  const old = await aged(ann);
  const question = async () => (await post("auth/step-up/options", undefined, old.headers)).body;
  const answerTo = ({ ceremony, options }: Awaited<ReturnType<typeof question>>) => ({
    passkey: { ceremony, credential: key.get(options) },
  });
  expect((await stepUp(answerTo(await question()), thief)).status).toBe(400);
  const right = answerTo(await question());
  expect((await stepUp(right, old)).status).toBe(204);
  expect((await stepUp(right, old)).status).toBe(401);
  expect([(await addUser(old)).status, (await addUser(thief)).status]).toEqual([201, 403]);
});

test("a proof that another controller heard counts here at once", async () => {
  const old = await aged(await signedIn(t.ctx, http));
  expect((await addUser(old)).status).toBe(403);
  await t.ctx.sql`update identity.sessions set authenticated_at = ${t.ctx.now()} where user_id = ${old.userId}`;
  expect((await addUser(old)).status).toBe(201);
});

test("a job on more targets than configured is a dangerous act, and its key is not used up by the question", async () => {
  const old = await aged(await signedIn(t.ctx, http));
  const definition = "apiVersion: opsconductor/v1\nkind: Job\nname: wide\nsteps:\n  - run: echo hello\n";
  expect((await post("jobs", { definition }, old.headers)).status).toBe(201);
  for (const name of ["w1", "w2", "w3"]) await FakeAgent.make(t, name);
  const run = (names: string[], key: string) =>
    http.call("POST", "/api/v1/jobs/wide/execute", { targets: { names } }, { ...old.headers, "idempotency-key": key });
  expect((await run(["w1", "w2"], "narrow")).status).toBe(201);
  const asked = await run(["w1", "w2", "w3"], "wide");
  expect([asked.status, asked.body.code]).toEqual([403, "reauthentication_required"]);
  expect(asked.body.detail).toContain("3 targets");
  await stepUp({ password: old.password }, old);
  expect((await run(["w1", "w2", "w3"], "wide")).status).toBe(201);
});

test("letting others run a job on as many targets is the same act; to reject it is none", async () => {
  const definition =
    "apiVersion: opsconductor/v1\nkind: Job\nname: guarded\napproval: { required: 1 }\nsteps:\n  - run: reboot\n";
  const decider = await aged(await signedIn(t.ctx, http));
  const asker = await signedIn(t.ctx, http);
  expect((await post("jobs", { definition }, asker.headers)).status).toBe(201);
  for (const name of ["g1", "g2", "g3"]) await FakeAgent.make(t, name);
  const targets = { names: ["g1", "g2", "g3"] };
  const { id } = (await post("jobs/guarded/execute", { targets }, asker.headers)).body;
  const { contentSha256 } = (await http.call("GET", `/api/v1/approvals/${id}`, undefined, decider.headers)).body;
  const decide = (decision: string) =>
    post(`approvals/${id}/decide`, { decision, comment: "seen", contentSha256 }, decider.headers);
  expect((await decide("approve")).body.code).toBe("reauthentication_required");
  expect((await decide("reject")).status).toBe(200);
});

/** For each route that asks by what is asked of it: a request that reaches far, made with what `far` made ready. */
const farReaching: Record<string, (far: Far) => [method: string, path: string, body?: unknown]> = {
  "POST /api/v1/jobs/{idOrName}/execute": ({ targets }) => ["POST", "/api/v1/jobs/far/execute", { targets }],
  "POST /jobs/{id}/execute": ({ jobId, targets }) => ["POST", `/jobs/${jobId}/execute`, { targets: targets.names }],
  "POST /api/v1/executions/{id}/retry-failed": ({ executionId, assignments }) => [
    "POST",
    `/api/v1/executions/${executionId}/retry-failed`,
    { assignments },
  ],
  "POST /api/v1/approvals/{id}/decide": ({ approvalId, contentSha256 }) => [
    "POST",
    `/api/v1/approvals/${approvalId}/decide`,
    { decision: "approve", comment: "seen", contentSha256 },
  ],
  "PUT /api/v1/targets/{idOrName}/groups": () => ["PUT", "/api/v1/targets/f1/groups", { groups: ["below"] }],
  "POST /api/v1/groups/{idOrName}/targets": () => ["POST", "/api/v1/groups/below/targets", { add: ["f1"], remove: [] }],
  "PATCH /api/v1/groups/{idOrName}": () => ["PATCH", "/api/v1/groups/beside", { parent: "above" }],
  "DELETE /api/v1/groups/{idOrName}": () => ["DELETE", "/api/v1/groups/below"],
};
type Far = Awaited<ReturnType<typeof makeFar>>;

async function makeFar(headers: Record<string, string>) {
  const of = (name: string, more = "") =>
    `apiVersion: opsconductor/v1\nkind: Job\nname: ${name}\n${more}steps:\n  - run: echo hello\n`;
  const jobId = (await post("jobs", { definition: of("far") }, headers)).body.id;
  await post("jobs", { definition: of("far-guarded", "approval: { required: 1 }\n") }, headers);
  const names = ["f1", "f2", "f3"];
  for (const name of names) await FakeAgent.make(t, name);
  const targets = { names };
  const executionId = (await post("jobs/far/execute", { targets }, headers)).body.id;
  await post(`executions/${executionId}/cancel`, { reason: "to be tried again" }, headers);
  const rows = await t.ctx.sql<{ id: string }[]>`
    select id from automation.assignments where execution_id = ${executionId}`;
  const assignments = rows.map(({ id }) => id);
  const approvalId = (await post("jobs/far-guarded/execute", { targets }, headers)).body.id;
  const { contentSha256 } = (await http.call("GET", `/api/v1/approvals/${approvalId}`, undefined, headers)).body;
  for (const [name, parent] of [
    ["above", null],
    ["below", "above"],
    ["beside", null],
  ])
    expect((await post("groups", { name, description: "", parent }, headers)).status).toBe(201);
  const bound = await signedIn(t.ctx, http, []);
  const grant = { role: "viewer", scope: { kind: "group", group: "above" } };
  expect((await post(`users/${bound.username}/grants`, grant, headers)).status).toBe(201);
  return { targets, jobId, executionId, assignments, approvalId, contentSha256 };
}

test("every route that asks by what is asked of it does so, and lets the same request through after the proof", async () => {
  expect(Object.keys(farReaching).sort()).toEqual(Object.keys(dangerousWhen).sort());
  const fresh = await signedIn(t.ctx, http);
  const far = await makeFar(fresh.headers);
  const decider = await signedIn(t.ctx, http); // nobody approves their own
  let old = await aged(decider);
  const call = (route: string) => {
    const [method, path, body] = farReaching[route]!(far);
    return http.call(method, path, body, old.headers);
  };
  for (const route of Object.keys(farReaching))
    expect([route, (await call(route)).body]).toMatchObject([route, { code: "reauthentication_required" }]);
  expect((await stepUp({ password: old.password }, old)).status).toBe(204);
  old = await renewed(old);
  for (const route of Object.keys(farReaching)) {
    const { status, body } = await call(route);
    expect([route, status < 300, body]).toEqual([route, true, body]);
  }
});

test("a group that gives nobody rights is changed without a proof", async () => {
  const ann = await signedIn(t.ctx, http);
  await FakeAgent.make(t, "plain-1");
  expect((await post("groups", { name: "plain", description: "", parent: null }, ann.headers)).status).toBe(201);
  const old = await aged(ann);
  const put = await post("groups/plain/targets", { add: ["plain-1"], remove: [] }, old.headers);
  expect(put.status).toBe(200);
});

test("programs with an API token are not asked", async () => {
  const ann = await signedIn(t.ctx, http);
  const made = await post("auth/tokens", { name: "robot", scopes: ["users:write", "users:read"] }, ann.headers);
  expect(made.status).toBe(201);
  t.setNow(new Date(t.ctx.now().getTime() + 60 * 60_000));
  const program = { headers: { authorization: `Bearer ${made.body.token ?? made.body.secret}` } };
  const answer = await addUser(program);
  expect(answer.body.code).not.toBe("reauthentication_required");
});

test("exactly one proof at a time, and it needs a session", async () => {
  const ann = await signedIn(t.ctx, http);
  expect((await stepUp({}, ann)).status).toBe(400);
  expect((await stepUp({ password: "x", code: "y" }, ann)).status).toBe(400);
  expect((await post("auth/step-up", { password: "x" }, {})).status).toBe(401);
});
