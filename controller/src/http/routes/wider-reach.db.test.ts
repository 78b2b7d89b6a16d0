// Ways in which somebody with rights in a part of the fleet could give themselves more of it: each is closed.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FakeAgent } from "../../automation/testing/fake-agent.ts";
import { execute, saveTestJob } from "../../automation/testing/save-test-job.ts";
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
    keeper: ["agents:read", "agents:write", "targets:read"],
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
async function person(everywhere: string[], ...grants: [string, Scope, Inputs?][]): Promise<Person> {
  const made = await signedIn(t.ctx, http, everywhere);
  for (const grant of grants) expect((await give(made, ...grant)).status).toBe(201);
  return made;
}

interface Named {
  name: string;
  canWrite: boolean;
}
type Inputs = Record<string, unknown>;

const give = (to: Person, role: string, scope: Scope, lockedInputs: Inputs = {}) =>
  as(admin, "POST", `users/${to.username}/grants`, { role, scope, lockedInputs });

const inGroup = (group: string): Scope => ({ kind: "group", group });
const where = (selector: string): Scope => ({ kind: "selector", selector });
const text = (name: string, rest: object) => ({ apiVersion: "opsconductor/v1", kind: "Job", name, ...rest });

test("targets and agents say for each reader whether they may change it, in a list and alone", async () => {
  const both = await person(["targets:read"], ["inventory", inGroup("prod")]);
  const list = async (who: Person) => {
    const { items } = (await as(who, "GET", "targets?q=host-")).body as unknown as { items: Named[] };
    return items.map(({ name, canWrite }) => [name, canWrite]);
  };
  expect(await list(both)).toEqual([
    ["host-dev", false],
    ["host-prod", true],
  ]);
  expect(await list(await person([], ["inventory", inGroup("prod")]))).toEqual([["host-prod", true]]);
  expect(await list(await person(["targets:read"]))).toEqual([
    ["host-dev", false],
    ["host-prod", false],
  ]);
  expect((await as(both, "GET", "targets/host-dev")).body.canWrite).toBe(false);
  expect((await as(both, "PATCH", "targets/host-dev", { os: "x" })).status).toBe(403);
  const changed = await as(both, "PATCH", "targets/host-prod", { os: "Debian" });
  expect([changed.status, changed.body.canWrite]).toEqual([200, true]);

  const keeper = await person(["agents:read"], ["keeper", inGroup("prod")]);
  const may = async (name: string) => (await as(keeper, "GET", `agents/${name}`)).body.canWrite;
  expect([await may("host-prod"), await may("host-dev")]).toEqual([true, false]);
});

test("a group says for each reader whether they may put targets into it, as the change itself asks it", async () => {
  const mays = async (who: Person) => {
    const { items } = (await as(who, "GET", "groups")).body as unknown as { items: Named[] };
    return items.map(({ name, canWrite }) => [name, canWrite]);
  };
  const none = [
    ["dev", false],
    ["prod", false],
  ];
  const both = await person(["targets:read"], ["inventory", inGroup("prod")]);
  expect(await mays(both)).toEqual([
    ["dev", false],
    ["prod", true],
  ]);
  expect((await as(both, "POST", "groups/prod/targets", { add: ["host-prod"] })).status).toBe(200);
  expect((await as(both, "POST", "groups/dev/targets", { add: ["host-prod"] })).status).toBe(403);
  expect(await mays(await person(["targets:read"], ["inventory", where("env=prod")]))).toEqual(none);
  expect(await mays(await person(["targets:read"]))).toEqual(none);
});

test("an execution says whether its reader may stop it, and whether they may run its job", async () => {
  await saveTestJob(t, "everywhere");
  const roles = { name: "stopper", permissions: ["targets:read", "executions:read", "executions:cancel"] };
  expect((await as(admin, "POST", "roles", roles)).status).toBe(201);
  const both = await person(["executions:read"], ["stopper", inGroup("prod")]);
  const mays: unknown[] = [];
  for (const targets of [["host-prod"], ["host-prod", "host-dev"]]) {
    const { id } = await execute(t, "everywhere", targets);
    const { canRun, canCancel } = (await as(both, "GET", `executions/${id}`)).body;
    mays.push([canRun, canCancel, (await as(both, "POST", `executions/${id}/pause`)).status]);
    expect((await as(admin, "GET", `executions/${id}`)).body).toMatchObject({ canRun: true, canCancel: true });
  }
  expect(mays).toEqual([
    [false, true, 200],
    [false, false, 403],
  ]);
});

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

test("an agent is changed only by whoever reaches all of its targets, and seen by whoever reaches one", async () => {
  const shared = await FakeAgent.connected(t, "host-shared");
  await as(admin, "PATCH", "targets/host-shared", { labels: { env: "dev" } });
  const other = { name: "other-prod", labels: { env: "prod" }, managedByAgentId: shared.id };
  expect((await as(admin, "POST", "targets", other)).status).toBe(201);
  const ann = await person([], ["keeper", where("env=dev")]);
  expect((await as(ann, "GET", "agents/host-shared")).status).toBe(200);
  const refused = await as(ann, "POST", "agents/host-shared/revoke", { reason: "x" });
  expect([refused.status, refused.body.detail]).toEqual([403, expect.stringContaining("all targets of this agent")]);
  expect((await as(ann, "POST", "agents/host-shared/release")).status).toBe(403);
  await as(admin, "PATCH", "targets/other-prod", { labels: { env: "dev" } });
  expect((await as(ann, "POST", "agents/host-shared/revoke", { reason: "x" })).status).toBeLessThan(300);
});

test("a target names only the groups and the agent that its reader may see, and a change leaves the others", async () => {
  expect((await as(admin, "POST", "groups", { name: "hidden" })).status).toBe(201);
  await as(admin, "PUT", "targets/host-dev/groups", { groups: ["dev", "hidden"] });
  const dev = await person([], ["inventory", inGroup("dev")]);
  const groups = (body: { groups: { name: string }[] }) => body.groups.map(({ name }) => name);
  expect(groups((await as(dev, "GET", "targets/host-dev")).body)).toEqual(["dev"]);
  expect((await as(dev, "PUT", "targets/host-dev/groups", { groups: ["dev"] })).body.groups).toHaveLength(1);
  expect(groups((await as(admin, "GET", "targets/host-dev")).body)).toEqual(["dev", "hidden"]);
  const byLabel = await person([], ["runner", where("env=dev")]);
  const seen = (await as(byLabel, "GET", "targets/host-dev")).body;
  expect([seen.groups, seen.agentName]).toEqual([[], null]);
  expect((await as(dev, "GET", "targets/host-dev")).body.agentName).toBe("host-dev");
});

test("a retry names no target that its caller does not reach", async () => {
  await saveTestJob(t, "fails", "steps: [{ run: echo }]");
  const started = await as(admin, "POST", "jobs/fails/execute", { targets: { names: ["host-prod"] } });
  await t.db.owner`update automation.assignments set state = 'failed' where execution_id = ${started.body.id}`;
  expect((await as(admin, "POST", "roles", { name: "reader", permissions: ["executions:read"] })).status).toBe(201);
  await as(admin, "PATCH", "targets/host-prod", { name: "renamed-prod" });
  const ann = await person(["executions:read", "jobs:read"], ["runner", where("env=dev")]);
  const refused = await as(ann, "POST", `executions/${started.body.id}/retry-failed`, {});
  await as(admin, "PATCH", "targets/renamed-prod", { name: "host-prod" });
  expect([refused.status, refused.body.detail]).toEqual([
    422,
    "You may not run jobs on some of these targets: choose those that you may.",
  ]);
  expect(JSON.stringify(refused.body)).not.toContain("renamed-prod");
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

describe("grants that bind inputs", () => {
  const all = { kind: "everything" };
  const staging = { env: "staging" };
  const on = (name: string) => ({ names: [name] });

  beforeAll(async () => {
    const env = "env: { type: choice, options: [prod, staging, test], default: prod }";
    await saveTestJob(t, "deploy", `inputs: { ${env}, note: { type: string } }\nsteps: [{ run: echo }]`);
    await saveTestJob(t, "plain", "steps: [{ run: echo }]");
    const roles = { runner2: ["targets:read", "jobs:read", "jobs:execute", "executions:read"] };
    for (const [name, permissions] of Object.entries(roles))
      expect((await as(admin, "POST", "roles", { name, permissions })).status).toBe(201);
  });

  const run = (who: Person, inputs: Inputs, host = "host-dev", job = "deploy") =>
    as(who, "POST", `jobs/${job}/execute`, { inputs, targets: on(host) });

  test("run the job with those and with no others, and fill in what was not given", async () => {
    const ann = await person([], ["runner2", inGroup("dev"), staging]);
    const started = await run(ann, { note: "x" });
    expect([started.status, started.body.inputs]).toEqual([201, { env: "staging", note: "x" }]);
    expect((await run(ann, { env: "staging" })).status).toBe(201);
    for (const inputs of [{ env: "prod" }, { env: null, note: "x" }]) {
      const refused = await run(ann, inputs);
      expect([refused.status, refused.body.detail]).toEqual([403, 'You may run deploy only with env = "staging".']);
      expect(refused.body.errors[0].path).toBe("inputs.env");
    }
    expect(
      (await as(ann, "POST", "jobs/deploy/plan", { inputs: { env: "prod" }, targets: on("host-dev") })).status,
    ).toBe(403);
    expect((await http.call("POST", "/jobs/deploy/execute", { input_data: { env: "prod" } }, ann.headers)).status).toBe(
      403,
    );
    const [row] = await t.db.owner`select detail from communication.audit
      where action = 'permission.refused' and actor_id = ${ann.userId} order by id limit 1`;
    expect(row!.detail).toEqual({ permission: "jobs:execute", job: "deploy", lockedInputs: ["env"] });
  });

  test("run no job that has no such input", async () => {
    const ann = await person([], ["runner2", all, staging]);
    const refused = await run(ann, {}, "host-dev", "plain");
    expect([refused.status, refused.body.detail]).toEqual([403, 'You may run plain only with env = "staging".']);
    expect((await as(ann, "GET", "jobs/plain")).status).toBe(200);
  });

  test("are each good where they reach: inputs that one of them allows run there and nowhere else", async () => {
    const ann = await person([], ["runner2", inGroup("dev")], ["runner2", inGroup("prod"), staging]);
    expect((await run(ann, { env: "prod" })).status).toBe(201);
    expect((await run(ann, { env: "prod" }, "host-prod")).status).toBe(422);
    expect((await run(ann, { env: "staging" }, "host-prod")).status).toBe(201);
    const both = (env: string) =>
      as(ann, "POST", "jobs/deploy/execute", { inputs: { env }, targets: { select: "env in (dev, prod)" } });
    expect((await both("staging")).body.targetCount).toBe(2);
    expect((await both("prod")).body).toMatchObject({ targetCount: 1, notice: expect.any(String) });
    expect((await as(ann, "GET", "jobs/deploy")).body.lockedInputs).toEqual({});
  });

  test("are the same to the preview, to the plan and to the execution, whatever the inputs", async () => {
    await saveTestJob(
      t,
      "asks",
      "inputs: { env: { type: string, required: true }, region: { type: string } }\nsteps: [{ run: echo }]",
    );
    const ann = await person(
      [],
      ["runner2", inGroup("dev"), { region: "eu" }],
      ["runner2", inGroup("prod"), staging],
      ["runner2", where("env=prod"), { env: "test", region: "us" }],
    );
    const select = "env in (dev, prod)";
    const previewed = async (inputs?: Inputs) => {
      const query = new URLSearchParams({ select, job: "asks", ...(inputs && { inputs: JSON.stringify(inputs) }) });
      const { status, body } = await as(ann, "GET", `targets/resolve?${query}`);
      return status === 200 ? { count: body.count, limited: body.limited } : { status, detail: body.detail };
    };
    const planned = async (inputs: Inputs) => {
      const { status, body } = await as(ann, "POST", "jobs/asks/plan", { inputs, targets: { select } });
      return status === 200 ? { count: body.targetCount, limited: body.limited } : { status, detail: body.detail };
    };
    const executed = async (inputs: Inputs) => {
      const { status, body } = await as(ann, "POST", "jobs/asks/execute", { inputs, targets: { select } });
      const limited = body.notice !== undefined;
      return status === 201 ? { count: body.targetCount, limited } : { status, detail: body.detail };
    };
    const counts = [];
    for (const env of ["prod", "staging", "test"])
      for (const region of [null, "eu", "us"]) {
        const inputs = { env, region };
        const preview = await previewed(inputs);
        expect(await planned(inputs), JSON.stringify(inputs)).toEqual(preview);
        expect(await executed(inputs), JSON.stringify(inputs)).toEqual(preview);
        counts.push(preview.count ?? preview.status);
      }
    expect(counts).toEqual([403, 1, 403, 1, 2, 1, 403, 1, 1]);
    // What is still to be chosen may become what a right binds it to.
    expect(await previewed()).toEqual({ count: 1, limited: true });
    expect(await previewed({ region: "eu" })).toEqual({ count: 2, limited: true });
    expect((await as(ann, "GET", "jobs/asks")).body.boundInputs).toEqual(["env", "region"]);
    expect((await as(ann, "GET", "jobs/deploy")).body.boundInputs).toEqual(["env"]);
    expect((await as(admin, "GET", "jobs/asks")).body.boundInputs).toEqual([]);
  });

  test("are asked for as a JSON object, of a job", async () => {
    for (const query of [
      "select=env%3Ddev&inputs={}",
      "select=env%3Ddev&job=asks&inputs=[1]",
      "select=env%3Ddev&job=asks&inputs={",
    ])
      expect([query, (await as(admin, "GET", `targets/resolve?${query}`)).status]).toEqual([query, 400]);
  });

  test("hold when somebody else's execution is run again", async () => {
    const ann = await person([], ["runner2", inGroup("dev"), staging]);
    const failed = async (env: string) => {
      const { id } = (await run(admin, { env })).body;
      await t.db.owner`update automation.assignments set state = 'failed' where execution_id = ${id}`;
      return id;
    };
    const retry = (id: string) => as(ann, "POST", `executions/${id}/retry-failed`, {});
    expect((await retry(await failed("prod"))).status).toBe(403);
    expect((await retry(await failed("staging"))).body.inputs).toEqual({ env: "staging" });
  });

  test("hold for the jobs that a workflow calls, and where their inputs are not known yet", async () => {
    const job = (env: string) =>
      `stages: { go: { job: deploy, targets: { select: env=dev }, inputs: { env: ${env} } } }`;
    const given = "inputs: { where: { type: string } }";
    await saveTestJob(t, "flow", `${given}\n${job('"${{ inputs.where }}"')}`);
    await saveTestJob(t, "late", job('"${{ execution.job }}"'));
    const ann = await person(
      [],
      ...["flow", "late"].map((name): [string, Scope] => ["runner2", { kind: "job", job: name }]),
      ["runner2", inGroup("dev"), staging],
    );
    const start = (name: string, inputs: Inputs) => as(ann, "POST", `jobs/${name}/execute`, { inputs });
    expect((await start("flow", { where: "staging" })).body.targetCount).toBe(1);
    const refused = await start("flow", { where: "prod" });
    expect([refused.status, refused.body.detail]).toEqual([
      409,
      'Stage go: you may run deploy only with env = "staging".',
    ]);
    expect((await start("late", {})).body.detail).toContain("known only when the stage begins");
  });

  test("are told before: in the job, in the grant and by the explainer", async () => {
    const ann = await person([], ["runner2", inGroup("dev"), staging], ["runner2", inGroup("dev"), { env: "test" }]);
    expect((await as(ann, "GET", "jobs/deploy")).body.lockedInputs).toEqual({ env: ["staging", "test"] });
    expect((await run(ann, {})).body.detail).toBe('You may run deploy only with env = "staging"; or env = "test".');
    const grants = (await as(admin, "GET", `users/${ann.username}/grants`)).body.items;
    expect(grants[0].lockedInputs).toEqual(staging);
    const why = (await as(ann, "GET", "access/explain?permission=jobs:execute&target=host-dev")).body;
    expect(why.sentence).toContain('jobs only with env = "staging"');
    const [row] = await t.db.owner`select after from communication.audit
      where action = 'grant.given' and object_id = ${ann.userId} order by id limit 1`;
    expect(row!.after.lockedInputs).toEqual(staging);
  });

  test("are refused where they would bind nothing", async () => {
    const ann = await person([]);
    const wrong = async (role: string, scope: Scope, locked: Inputs) => {
      const { status, body } = await give(ann, role, scope, locked);
      return [status, body.errors?.[0].path, body.detail];
    };
    const job = { kind: "job", job: "deploy" };
    expect(await wrong("runner2", job, { evn: "x" })).toEqual([
      400,
      "lockedInputs.evn",
      "lockedInputs.evn: evn is no input of deploy",
    ]);
    expect((await wrong("runner2", job, { env: "nowhere" }))[2]).toContain("must be one of");
    expect((await wrong("inventory", all, staging))[2]).toContain("runs no jobs");
    expect((await wrong("writer", all, staging))[2]).toContain("may write jobs");
    expect((await give(ann, "runner2", all, staging)).status).toBe(201);
    expect((await give(ann, "runner2", all, staging)).status).toBe(409);
  });

  test("bind nobody who may run jobs over everything besides", async () => {
    const ann = await person(["jobs:execute", "targets:read"], ["runner2", all, staging]);
    expect((await run(ann, { env: "prod" })).status).toBe(201);
  });
});
