// Ways in which somebody with rights in a part of the fleet could give themselves more of it: each is closed.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FakeAgent } from "../../automation/testing/fake-agent.ts";
import { saveTestJob } from "../../automation/testing/save-test-job.ts";
import { ensureBuiltInRoles } from "../../identity/built-in-roles.ts";
import { type TestContext, testContext } from "../../testing/test-context.ts";
import { signedIn, type TestHttp, testHttp } from "../../testing/test-http.ts";

type Person = Awaited<ReturnType<typeof signedIn>>;
interface Scope {
  kind: string;
  group?: string;
  selector?: string;
  job?: string;
}

let t: TestContext;
let http: TestHttp;
let admin: Person;
let prod: FakeAgent;

beforeAll(async () => {
  t = await testContext();
  await ensureBuiltInRoles(t.ctx);
  http = testHttp(t.ctx);
  admin = await signedIn(t.ctx, http);
  prod = await FakeAgent.connected(t, "host-prod");
  await FakeAgent.connected(t, "host-dev");
  for (const env of ["prod", "dev"]) {
    expect((await as(admin, "POST", "groups", { name: env })).status).toBe(201);
    await as(admin, "POST", `groups/${env}/targets`, { add: [`host-${env}`] });
    await as(admin, "PATCH", `targets/host-${env}`, { labels: { env } });
  }
  const roles = {
    inventory: ["targets:read", "targets:write", "agents:read"],
    runner: ["targets:read", "jobs:read", "jobs:execute"],
    writer: ["jobs:read", "jobs:write", "jobs:execute"],
  };
  for (const [name, permissions] of Object.entries(roles))
    expect((await as(admin, "POST", "roles", { name, permissions })).status).toBe(201);
});
afterAll(() => t.close());

const as = (who: { headers: Record<string, string> }, method: string, path: string, body?: unknown) =>
  http.call(method, `/api/v1/${path}`, body, who.headers);

/** Somebody with these permissions over everything, and these grants. */
async function person(everywhere: string[], ...grants: [role: string, scope: Scope][]): Promise<Person> {
  const made = await signedIn(t.ctx, http, everywhere);
  for (const [role, scope] of grants)
    expect((await as(admin, "POST", `users/${made.username}/grants`, { role, scope })).status).toBe(201);
  return made;
}

const inGroup = (group: string): Scope => ({ kind: "group", group });
const where = (selector: string): Scope => ({ kind: "selector", selector });
const text = (name: string, rest: object) => ({ apiVersion: "opsconductor/v1", kind: "Job", name, ...rest });

describe("whoever keeps the inventory and may run jobs on a part of it", () => {
  test("brings no target into that part by a label, a name or a group", async () => {
    const byLabel = await person([], ["inventory", inGroup("prod")], ["runner", where("env=dev")]);
    const relabelled = await as(byLabel, "PATCH", "targets/host-prod", { labels: { env: "dev" } });
    expect([relabelled.status, relabelled.body.missing?.permission]).toEqual([403, "jobs:execute"]);
    const byName = await person(["targets:read", "targets:write"], ["runner", where("name~dev-*")]);
    expect((await as(byName, "PATCH", "targets/host-prod", { name: "dev-prod" })).status).toBe(403);
    const byGroup = await person(["targets:read", "targets:write"], ["runner", inGroup("dev")]);
    expect((await as(byGroup, "POST", "groups/dev/targets", { add: ["host-prod"] })).status).toBe(403);
    expect((await as(byGroup, "PUT", "targets/host-prod/groups", { groups: ["prod", "dev"] })).status).toBe(403);
    expect((await as(byGroup, "GET", "groups/dev")).body.targetCount).toBe(1);
    expect((await as(byLabel, "PATCH", "targets/host-prod", { labels: { env: "prod", tier: "1" } })).status).toBe(200);
  });

  test("hands no target of that part, old or new, to an agent outside of it", async () => {
    const ann = await person(["targets:read", "targets:write"], ["runner", where("env=dev")]);
    const moved = await as(ann, "PATCH", "targets/host-dev", { managedByAgentId: prod.id });
    expect(moved.status).toBe(403);
    const made = await as(ann, "POST", "targets", { name: "x", labels: { env: "dev" }, managedByAgentId: prod.id });
    expect(made.status).toBe(403);
    expect((await as(ann, "POST", "targets", { name: "y", managedByAgentId: prod.id })).status).toBe(201);
    expect((await as(ann, "PATCH", "targets/y", { labels: { env: "dev" } })).status).toBe(403);
  });

  test("puts a target only into groups whose targets are theirs to change, for others have rights by them", async () => {
    const ann = await person(["targets:read"], ["inventory", where("env=dev")]);
    expect((await as(ann, "POST", "groups/prod/targets", { add: ["host-dev"] })).status).toBe(403);
    expect((await as(ann, "PUT", "targets/host-dev/groups", { groups: ["dev", "prod"] })).status).toBe(403);
    expect((await as(ann, "PUT", "targets/host-dev/groups", { groups: ["dev"] })).status).toBe(200);
  });
});

describe("a grant on one job reaches what that job chooses", () => {
  beforeAll(async () => {
    await saveTestJob(t, "vetted", `targets: { select: env=dev }\nsteps: [{ run: "true" }]`);
  });

  test("and not what a workflow of the caller's own chooses for it", async () => {
    await saveTestJob(t, "own", "steps: [{ run: echo }]");
    await saveTestJob(t, "bare", `steps: [{ run: "true" }]`);
    const runs = ["vetted", "bare"].map((job): [string, Scope] => ["runner", { kind: "job", job }]);
    const bob = await person([], ...runs, ["writer", { kind: "job", job: "own" }]);
    for (const definition of [
      text("own", { stages: { go: { job: "vetted", targets: { select: "env=prod" } } } }),
      text("own", { targets: { select: "env=prod" }, stages: { go: { job: "bare" } } }),
    ]) {
      expect((await as(bob, "PUT", "jobs/own", definition)).status).toBe(200);
      const started = await as(bob, "POST", "jobs/own/execute", {});
      expect([started.status, started.body.counts]).toEqual([409, undefined]);
    }
    const calls = text("own", { stages: { go: { job: "vetted" } } });
    expect((await as(bob, "PUT", "jobs/own", calls)).status).toBe(200);
    expect((await as(bob, "POST", "jobs/own/execute", {})).body.targetCount).toBe(1);
  });

  test("and not what its writer chooses with a token that may only run it", async () => {
    await saveTestJob(t, "mine", `targets: { select: env=dev }\nsteps: [{ run: "true" }]`);
    const bob = await person(["tokens:own"], ["writer", { kind: "job", job: "mine" }]);
    const definition = text("mine", { targets: { select: "env=prod" }, steps: [{ run: "true" }] });
    expect((await as(bob, "PUT", "jobs/mine", definition)).status).toBe(200);
    const made = await as(bob, "POST", "auth/tokens", { name: "narrow", scopes: ["jobs:execute"] });
    expect(made.status).toBe(201);
    const program = { headers: { authorization: `Bearer ${made.body.token}` } };
    expect((await as(program, "POST", "jobs/mine/execute", {})).body.targetCount ?? 0).toBe(0);
    expect((await as(bob, "POST", "jobs/mine/execute", {})).body.targetCount ?? 0).toBe(0);
  });
});

test("whoever may stop executions and not read them is not told their inputs", async () => {
  await saveTestJob(t, "given", "inputs: { word: { type: string } }\nsteps: [{ run: echo }]");
  const body = { targets: { names: ["host-dev"] }, inputs: { word: "confidential" } };
  const started = await as(admin, "POST", "jobs/given/execute", body);
  expect([started.status, started.body.inputs]).toEqual([201, { word: "confidential" }]);
  const stopper = await person(["executions:cancel"]);
  for (const act of ["pause", "resume", "cancel"]) {
    const answer = await as(stopper, "POST", `executions/${started.body.id}/${act}`);
    expect([act, answer.status, answer.body.inputs]).toEqual([act, 200, {}]);
  }
});
