// What somebody whose rights are bound to a scope sees of a fleet, through every door of the API.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FakeAgent } from "../../automation/testing/fake-agent.ts";
import { execute, saveTestJob } from "../../automation/testing/save-test-job.ts";
import { ensureBuiltInRoles } from "../../identity/built-in-roles.ts";
import { type TestContext, testContext } from "../../testing/test-context.ts";
import { signedIn, type TestHttp, testHttp } from "../../testing/test-http.ts";

type Headers = Record<string, string>;
interface Person {
  username: string;
  userId: string;
  headers: Headers;
}

let t: TestContext;
let http: TestHttp;
let admin: Person;
const agents: Record<string, FakeAgent> = {};
/** Ids of executions by what they ran on. */
const ran: Record<string, string> = {};
let mixedNumber: number;

/** World holds europe and asia, europe holds berlin; one host in each. */
const places = [
  ["world", null],
  ["europe", "world"],
  ["berlin", "europe"],
  ["asia", "world"],
] as const;

beforeAll(async () => {
  t = await testContext();
  await ensureBuiltInRoles(t.ctx);
  http = testHttp(t.ctx);
  admin = await signedIn(t.ctx, http);
  for (const [name, parent] of places) expect((await as(admin, "POST", "groups", { name, parent })).status).toBe(201);
  for (const name of ["europe", "berlin", "asia"]) {
    agents[name] = await FakeAgent.connected(t, `host-${name}`);
    await as(admin, "POST", `groups/${name}/targets`, { add: [`host-${name}`] });
    await as(admin, "PATCH", `targets/host-${name}`, { labels: { site: name } });
  }
  await saveTestJob(t, "prints");
  await saveTestJob(t, "other");
  ran.asia = await runOn("host-asia");
  ran.berlin = await runOn("host-berlin");
  ran.mixed = await runOn("host-asia", "host-berlin");
  mixedNumber = (await as(admin, "GET", `executions/${ran.mixed}`)).body.number;
});
afterAll(() => t.close());

const as = (person: { headers: Headers }, method: string, path: string, body?: unknown) =>
  http.call(method, `/api/v1/${path}`, body, person.headers);

async function runOn(...names: string[]): Promise<string> {
  const { id } = await execute(t, "prints", names);
  for (const name of names) {
    const agent = agents[name.slice(5)]!;
    await agent.run(agent.offers.at(-1)!, Buffer.from(`secret of ${name}\n`));
  }
  return id;
}

interface Scope {
  kind: string;
  group?: string;
  selector?: string;
  job?: string;
}

/** Somebody without roles over everything, and with these grants. */
async function person(...grants: [role: string, scope: Scope, ownExecutions?: boolean][]): Promise<Person> {
  const made = await signedIn(t.ctx, http, []);
  for (const [role, scope, ownExecutions = false] of grants) {
    const given = await as(admin, "POST", `users/${made.username}/grants`, { role, scope, ownExecutions });
    expect(given.status, JSON.stringify(given.body)).toBe(201);
  }
  return made;
}

const names = (answer: { body: { items: { name: string }[] } }) => answer.body.items.map((item) => item.name);
const europe: Scope = { kind: "group", group: "europe" };

describe("an operator of one group", () => {
  let ann: Person;
  beforeAll(async () => {
    ann = await person(["operator", europe]);
  });

  test("sees the targets, groups and agents in it and below it, and no others", async () => {
    expect(names(await as(ann, "GET", "targets"))).toEqual(["host-berlin", "host-europe"]);
    expect(names(await as(ann, "GET", "targets?select=site%3Dasia"))).toEqual([]);
    expect(names(await as(ann, "GET", "targets?q=asia"))).toEqual([]);
    expect(names(await as(ann, "GET", "groups"))).toEqual(["berlin", "europe"]);
    expect(names(await as(ann, "GET", "agents"))).toEqual(["host-berlin", "host-europe"]);
    expect((await as(ann, "GET", "targets/host-berlin")).status).toBe(200);
    for (const path of ["targets/host-asia", `targets/${agents.asia!.targetId}`, "groups/asia", "agents/host-asia"])
      expect([path, (await as(ann, "GET", path)).status]).toEqual([path, 404]);
  });

  test("cannot tell what is out of reach from what does not exist", async () => {
    const strange = await as(ann, "GET", "targets/host-asia");
    const unknown = await as(ann, "GET", "targets/host-asiA9");
    expect(strange.body.detail.replace("host-asia", "X")).toBe(unknown.body.detail.replace("host-asiA9", "X"));
    const resolved = await as(ann, "GET", "targets/resolve?names=host-asia");
    expect([resolved.status, resolved.body.detail]).toEqual([422, "There is no target host-asia."]);
  });

  test("sees executions that touched the group, and of those only its own targets", async () => {
    const list = await as(ann, "GET", "executions");
    expect(list.body.items.map((e: { id: string }) => e.id)).toEqual([ran.mixed, ran.berlin]);
    for (const path of ["", "/assignments", "/steps", "/timeline", "/output?target=host-asia&step=step-1"])
      expect([path, (await as(ann, "GET", `executions/${ran.asia}${path}`)).status]).toEqual([path, 404]);
    const assignments = (await as(ann, "GET", `executions/${mixedNumber}/assignments`)).body.items;
    expect(assignments.map((a: { targetName: string }) => a.targetName)).toEqual(["host-berlin"]);
    const steps = (await as(ann, "GET", `executions/${ran.mixed}/steps`)).body.items;
    expect(steps.map((s: { targetName: string }) => s.targetName)).toEqual(["host-berlin"]);
    const of = (target: string) => `executions/${ran.mixed}/output?target=${target}&step=step-1`;
    expect((await as(ann, "GET", of("host-berlin"))).body.lines[0]).toContain("secret of host-berlin");
    expect((await as(ann, "GET", of("host-asia"))).status).toBe(404);
    expect((await as(ann, "POST", `executions/${ran.mixed}/output-ticket?target=host-asia&step=step-1`)).status).toBe(
      404,
    );
    expect((await as(ann, "GET", "executions?target=host-asia")).body.items).toEqual([]);
  });

  test("downloads by a ticket as long as the session lasts", async () => {
    const bob = await person(["viewer", europe]);
    const ticket = () => as(bob, "POST", `executions/${ran.berlin}/output-ticket?target=host-berlin&step=step-1`);
    const [used, late] = [(await ticket()).body.url, (await ticket()).body.url];
    expect((await http.call("GET", used)).status).toBe(200);
    await as(admin, "PATCH", `users/${bob.username}`, { active: false });
    expect((await http.call("GET", late)).status).toBe(404);
  });

  test("counts only what is in reach on the overview and in pages of the original", async () => {
    expect((await as(ann, "GET", "overview")).body).toMatchObject({
      targets: 2,
      agents: { total: 2 },
      last24h: { total: 2 },
    });
    expect((await http.call("GET", "/targets", undefined, ann.headers)).body.total).toBe(2);
    expect((await http.call("GET", "/executions", undefined, ann.headers)).body.total).toBe(2);
  });

  test("runs a job on what is in reach of what its selector means, and is told so", async () => {
    const started = await as(ann, "POST", "jobs/prints/execute", { targets: { select: "group=world" } });
    expect(started.status).toBe(201);
    expect(started.body).toMatchObject({ targetCount: 2, notice: expect.stringContaining("left out") });
    const waited = await as(ann, "POST", "jobs/prints/execute?wait=1s", { targets: { select: "group=world" } });
    expect(waited.body.notice).toBe(started.body.notice);
    const preview = await as(ann, "GET", "targets/resolve?select=group%3Dworld&job=prints");
    expect(preview.body).toMatchObject({ count: 2, limited: true });
    const foreign = await as(ann, "POST", "jobs/prints/execute", { targets: { names: ["host-berlin", "host-asia"] } });
    expect([foreign.status, foreign.body.detail]).toEqual([422, "There is no target host-asia."]);
    expect(
      (await as(admin, "POST", "jobs/prints/execute", { targets: { select: "group=world" } })).body.notice,
    ).toBeUndefined();
  });

  test("cancels what runs within reach, and not what runs elsewhere too", async () => {
    const own = await execute(t, "prints", ["host-berlin"]);
    expect((await as(ann, "POST", `executions/${own.id}/cancel`)).status).toBe(200);
    const wider = await execute(t, "prints", ["host-berlin", "host-asia"]);
    const refused = await as(ann, "POST", `executions/${wider.id}/cancel`);
    expect([refused.status, refused.body.missing.permission]).toEqual([403, "executions:cancel"]);
    const strange = await execute(t, "prints", ["host-asia"]);
    expect((await as(ann, "POST", `executions/${strange.id}/cancel`)).status).toBe(404);
  });

  test("is told which permission is missing, which roles hold it and who can grant it", async () => {
    const refused = await as(ann, "PATCH", "targets/host-berlin", { description: "x" });
    expect(refused.status).toBe(403);
    expect(refused.body.missing).toEqual({
      permission: "targets:write",
      roles: expect.arrayContaining(["admin", "manager", "developer"]),
      givers: expect.arrayContaining([admin.username]),
    });
    expect(refused.body.detail).toContain(admin.username);
  });

  test("loses it all at once when the grant is taken back", async () => {
    const bob = await person(["viewer", europe]);
    const [{ id }] = (await as(admin, "GET", `users/${bob.username}/grants`)).body.items;
    expect(names(await as(bob, "GET", "targets"))).toHaveLength(2);
    expect((await as(admin, "DELETE", `users/${bob.username}/grants/${id}`)).status).toBe(204);
    expect((await as(bob, "GET", "targets")).status).toBe(403);
  });
});

describe("a developer of one group", () => {
  let dev: Person;
  beforeAll(async () => {
    dev = await person(["developer", europe], ["viewer", { kind: "selector", selector: "site=asia" }]);
  });

  test("changes targets in reach, and not those that a viewer's grant shows", async () => {
    expect((await as(dev, "PATCH", "targets/host-berlin", { description: "x" })).status).toBe(200);
    const refused = await as(dev, "PATCH", "targets/host-asia", { description: "x" });
    expect([refused.status, refused.body.missing.permission]).toEqual([403, "targets:write"]);
  });

  test("checks text that is not saved: it matches what is in the group, and a job of one's own is no way to the rest", async () => {
    const text = (name: string) => ({
      ...{ apiVersion: "opsconductor/v1", kind: "Job", name, targets: { select: "name~host-*" } },
      steps: [{ run: "true" }],
    });
    const checked = await as(dev, "POST", "jobs/check", text("draft"));
    expect(checked.body).toMatchObject({ valid: true, wouldRun: true, limited: true, targetCount: 2 });
    const hosts = (body: { stages: { targets: { items: { name: string }[] } }[] }) =>
      body.stages.flatMap(({ targets }) => targets.items.map(({ name }) => name));
    expect(hosts(checked.body)).toEqual(["host-berlin", "host-europe"]);
    const runner = await person(["developer", europe], ["operator", { kind: "job", job: "prints" }]);
    expect(hosts((await as(runner, "POST", "jobs/check", text("prints"))).body)).toEqual([
      "host-berlin",
      "host-europe",
    ]);
    const foreign = { ...text("draft"), targets: { names: ["host-asia"] } };
    expect((await as(dev, "POST", "jobs/check", foreign)).body).toMatchObject({
      wouldRun: false,
      problems: [{ stage: null, message: expect.stringContaining("There is no target host-asia") }],
    });
  });

  test("brings no foreign host into reach: neither by its group nor by its agent", async () => {
    expect((await as(dev, "PUT", "targets/host-asia/groups", { groups: ["berlin"] })).status).toBe(403);
    expect((await as(dev, "POST", "groups/berlin/targets", { add: ["host-asia"] })).status).toBe(403);
    expect((await as(dev, "PUT", "targets/host-berlin/groups", { groups: ["asia"] })).status).toBe(422);
    expect((await as(dev, "PATCH", "targets/host-berlin", { managedByAgentId: agents.asia!.id })).status).toBe(403);
    expect((await as(dev, "POST", "targets", { name: "new" })).status).toBe(403);
    expect((await as(dev, "PATCH", "groups/berlin", { parent: null })).status).toBe(403);
  });

  test("does not take a target out of reach by accident, and moves it within", async () => {
    const out = await as(dev, "PUT", "targets/host-berlin/groups", { groups: [] });
    expect([out.status, out.body.detail]).toMatchObject([403, expect.stringContaining("without the groups")]);
    expect((await as(dev, "PUT", "targets/host-berlin/groups", { groups: ["europe"] })).status).toBe(200);
    expect((await as(dev, "PUT", "targets/host-berlin/groups", { groups: ["berlin"] })).status).toBe(200);
  });

  test("reads every job and writes none: what a job does concerns everybody who runs it", async () => {
    expect(names(await as(dev, "GET", "jobs"))).toEqual(["other", "prints"]);
    expect((await as(dev, "DELETE", "jobs/other")).status).toBe(403);
    expect((await as(dev, "POST", "jobs", {})).status).toBe(403);
  });
});

describe("a grant on one job", () => {
  test("shows that job and its executions, and runs it on what it chooses itself", async () => {
    const bob = await person(["operator", { kind: "job", job: "prints" }]);
    expect(names(await as(bob, "GET", "jobs"))).toEqual(["prints"]);
    expect((await as(bob, "GET", "jobs/other")).status).toBe(404);
    expect((await as(bob, "POST", "jobs/other/execute")).status).toBe(404);
    expect((await as(bob, "GET", `executions/${ran.asia}/assignments`)).body.items).toHaveLength(1);
    expect(names(await as(bob, "GET", "targets"))).toEqual([]);
    const chosen = await as(bob, "POST", "jobs/prints/execute", { targets: { names: ["host-asia"] } });
    expect(chosen.status).toBe(422);
  });

  test("does not let whoever may write the job choose every host with it", async () => {
    const own = { kind: "job", job: "selecting" };
    const text = (select: string) => ({
      apiVersion: "opsconductor/v1",
      kind: "Job",
      name: "selecting",
      targets: { select },
      steps: [{ run: "true" }],
    });
    expect((await as(admin, "POST", "jobs", text("site=berlin"))).status).toBe(201);
    const runner = await person(["operator", own]);
    const preview = (await as(runner, "GET", "targets/resolve?select=site%3Dberlin&job=selecting")).body;
    expect(preview).toMatchObject({ count: 1, limited: false });
    expect((await as(runner, "POST", "jobs/selecting/execute")).body).toMatchObject({ targetCount: 1 });
    const writer = await person(["developer", own]);
    expect((await as(writer, "PUT", "jobs/selecting", text("name~*"))).status).toBe(200);
    expect((await as(writer, "POST", "jobs/selecting/execute")).body.targetCount ?? 0).toBe(0);
  });
});

describe("own executions only", () => {
  test("runs what they may, and reads neither executions nor inputs of others", async () => {
    const eve = await person(["operator", { kind: "everything" }, true]);
    expect(names(await as(eve, "GET", "targets"))).toHaveLength(3);
    expect((await as(eve, "GET", "executions")).body.items).toEqual([]);
    expect((await as(eve, "GET", `executions/${ran.asia}`)).status).toBe(404);
    expect((await as(eve, "POST", `executions/${ran.asia}/cancel`)).status).toBe(404);
    const [job] = (await as(eve, "GET", "jobs?q=prints")).body.items;
    expect(job.lastExecutions).toEqual([]);
    const started = await as(eve, "POST", "jobs/prints/execute", { targets: { names: ["host-asia"] } });
    expect([started.status, started.body.notice]).toEqual([201, undefined]);
    expect((await as(eve, "GET", "executions")).body.items).toMatchObject([{ id: started.body.id }]);
  });

  test("whoever may run and not read at all still learns how their own run went, when they wait for it", async () => {
    const role = { name: "runner", description: "", permissions: ["jobs:execute"] };
    expect((await as(admin, "POST", "roles", role)).status).toBe(201);
    const joe = await person(["runner", europe]);
    const started = await as(joe, "POST", "jobs/prints/execute?wait=1s", { targets: { names: ["host-berlin"] } });
    expect(started.status).toBe(201);
    expect((await as(joe, "GET", `executions/${started.body.id}`)).status).toBe(403);
  });
});

describe("roles", () => {
  test("are made, changed at once for whoever has them, and deleted with another in their place", async () => {
    const made = await as(admin, "POST", "roles", { name: "patcher", permissions: ["targets:read"] });
    expect(made.body).toMatchObject({ name: "patcher", builtIn: false, userCount: 0, grantCount: 0 });
    const pat = await person(["patcher", europe]);
    expect((await as(pat, "GET", "jobs")).status).toBe(403);
    await as(admin, "PATCH", "roles/patcher", { permissions: ["targets:read", "jobs:read"] });
    expect((await as(pat, "GET", "jobs")).status).toBe(200);
    expect((await as(admin, "DELETE", "roles/patcher")).body.detail).toContain("is given once");
    expect((await as(admin, "DELETE", "roles/patcher?reassign=viewer")).status).toBe(204);
    expect((await as(admin, "GET", `users/${pat.username}/grants`)).body.items).toMatchObject([{ role: "viewer" }]);
    const rows = await t.db.owner`select action, before -> 'permissions' as was, after -> 'permissions' as is
      from communication.audit where object_kind = 'role' and object_name = 'patcher' order by id`;
    expect(rows.map((row) => ({ ...row }))).toEqual([
      { action: "role.created", was: null, is: ["targets:read"] },
      { action: "role.updated", was: ["targets:read"], is: ["jobs:read", "targets:read"] },
      { action: "role.deleted", was: ["jobs:read", "targets:read"], is: null },
    ]);
  });

  test("that are built in stay as they are", async () => {
    for (const name of ["admin", "viewer"])
      expect([name, (await as(admin, "PATCH", `roles/${name}`, { description: "x" })).status]).toEqual([name, 409]);
    expect((await as(admin, "DELETE", "roles/viewer?reassign=admin")).status).toBe(409);
  });

  test("are made and given by nobody who may not do all of it over everything", async () => {
    const lead = await signedIn(t.ctx, http, ["roles:write", "users:write", "users:read", "targets:read"]);
    const make = (name: string, ...permissions: string[]) => as(lead, "POST", "roles", { name, permissions });
    expect((await make("too-much", "audit:read")).status).toBe(403);
    expect((await make("enough", "targets:read")).status).toBe(201);
    expect((await as(lead, "PATCH", "roles/enough", { permissions: ["targets:write"] })).status).toBe(403);
    expect((await as(lead, "DELETE", "roles/enough?reassign=admin")).status).toBe(403);
    const sam = await person();
    const give = (role: string) => as(lead, "POST", `users/${sam.username}/grants`, { role, scope: europe });
    expect((await give("operator")).status).toBe(403);
    expect((await give("enough")).status).toBe(201);
    const rich = await person(["operator", europe]);
    expect((await as(lead, "POST", `users/${rich.username}/password-link`)).status).toBe(403);
  });

  test("within a scope give no right that concerns everybody", async () => {
    const boss = await person(["admin", europe]);
    expect(names(await as(boss, "GET", "targets"))).toHaveLength(2);
    for (const path of ["users", "audit", "system", "enrollment-tokens", "roles"])
      expect([path, (await as(boss, "GET", path)).status]).toEqual([path, 403]);
    expect((await as(boss, "POST", "users", { username: "x", roles: [] })).status).toBe(403);
  });
});

describe("the explainer", () => {
  test("names the grant that decides, and says what would help when none does", async () => {
    const ann = await person(
      ["operator", europe],
      ["viewer", { kind: "selector", selector: "site in (asia, berlin)" }],
    );
    const ask = (who: Person, query: string) => as(who, "GET", `access/explain?${query}`);
    const may = await ask(admin, `user=${ann.username}&permission=jobs:execute&target=host-berlin`);
    expect(may.body).toMatchObject({
      allowed: true,
      decidedBy: { kind: "grant", grant: { role: "operator", scope: { name: "europe" } } },
      sentence: `${ann.username} may do jobs:execute on the target host-berlin, because of the role operator in the group europe and those below it, given by ${admin.username}.`,
    });
    const reads = await ask(admin, `user=${ann.username}&permission=targets:read&target=host-berlin`);
    expect(reads.body.alsoBy).toBe(1);
    const not = await ask(admin, `user=${ann.username}&permission=jobs:execute&target=host-asia`);
    expect(not.body).toMatchObject({ allowed: false, decidedBy: null });
    expect(not.body.sentence).toContain("may not do jobs:execute on the target host-asia");
    expect(not.body.roles).toContain("operator");
    expect((await ask(admin, `user=${admin.username}&permission=system:write`)).body.decidedBy.kind).toBe("role");
    expect((await ask(ann, "permission=targets:read&target=host-europe")).body.allowed).toBe(true);
    expect((await ask(ann, "permission=targets:read&target=nowhere")).status).toBe(404);
    expect((await ask(ann, `user=${admin.username}&permission=targets:read`)).status).toBe(403);
  });
});

test("grants that mean nothing are refused with their place", async () => {
  const { username } = await person();
  const give = (scope: Scope, role = "viewer") => as(admin, "POST", `users/${username}/grants`, { role, scope });
  expect((await give({ kind: "everything" })).body.errors[0].path).toBe("scope");
  for (const passing of ["not agent=online", "site=asia and (service or os=linux)"])
    expect((await give({ kind: "selector", selector: passing })).body.errors[0].message).toMatch(
      /^rights cannot depend/,
    );
  expect((await give({ kind: "selector", selector: "site==x" })).body.errors[0].path).toBe("scope.selector");
  expect((await give({ kind: "group", group: "nowhere" })).body.errors[0].path).toBe("scope.group");
  expect((await give({ kind: "job", job: "nowhere" })).body.errors[0].path).toBe("scope.job");
  expect((await give(europe, "nobody")).status).toBe(400);
  expect((await give(europe)).status).toBe(201);
  expect((await give(europe)).status).toBe(409);
});
