// Every route and topic of the one table, tried by everybody: what must happen follows from the table alone, so a route
// that is added is tried with it. What a scope does not reach carries a mark, and no answer to a stranger may hold it.
import { liveTopics } from "@opsconductor/contract/api/events";
import { builtInRoles, requirementOf, requirements, scopablePermissions } from "@opsconductor/contract/permissions";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FakeAgent } from "../automation/testing/fake-agent.ts";
import { execute, saveTestJob } from "../automation/testing/save-test-job.ts";
import { ensureBuiltInRoles } from "../identity/built-in-roles.ts";
import { type TestContext, testContext } from "../testing/test-context.ts";
import { signedIn, type TestAnswer, type TestHttp, testHttp } from "../testing/test-http.ts";

type Headers = Record<string, string>;
const mark = "forbidden-fruit";
const routes = Object.keys(requirements).filter((entry) => !/^(FOLLOW|CALL) /.test(entry));
const guarded = routes.filter((route) => requirementOf(route)!.needs !== "public");

let t: TestContext;
let http: TestHttp;
let admin: Headers;
/** What stands for each parameter: real things, all of them marked. */
const ids: Record<string, string> = {};
let cases = 0;

beforeAll(async () => {
  t = await testContext({ rateLimit: 0 });
  await ensureBuiltInRoles(t.ctx);
  http = testHttp(t.ctx);
  admin = (await signedIn(t.ctx, http)).headers;
  const agent = await FakeAgent.connected(t, `agent-${mark}`);
  await saveTestJob(t, `job-${mark}`);
  await saveTestJob(t, "elsewhere");
  const group = await api("POST", "groups", admin, { name: `group-${mark}` });
  await api("POST", `groups/${group.body.id}/targets`, admin, { add: [agent.name] });
  const execution = await execute(t, `job-${mark}`, [agent.name]);
  await agent.run(agent.offers[0]!, Buffer.from(`${mark}\n`));
  Object.assign(ids, { target: agent.name, agent: agent.name, job: `job-${mark}`, group: group.body.id });
  Object.assign(ids, { execution: execution.id, assignment: agent.offers[0]!.assignmentId });
});
afterAll(async () => {
  await t.close();
  process.stdout.write(`permission matrix: ${cases} cases over ${Object.keys(requirements).length} entries\n`);
});

const api = (method: string, path: string, headers: Headers, body?: unknown) =>
  http.call(method, `/api/v1/${path}`, body, headers);

async function tried(route: string, headers: Headers, path = pathOf(route)): Promise<TestAnswer> {
  cases += 1;
  return await http.call(route.split(" ")[0]!, path, bodies[route], headers);
}

const nobody = "01999999-0000-7000-8000-000000000001";
const kinds = { targets: "target", groups: "group", agents: "agent", jobs: "job", executions: "execution" } as const;
type Kind = (typeof kinds)[keyof typeof kinds];

/** The kind of thing that the path names, when a scope could hide it. */
function hidden(route: string): Kind | undefined {
  const resource = /^\w+ \/(?:api\/v1\/)?(\w+)\/\{/.exec(route)?.[1];
  return kinds[resource as keyof typeof kinds];
}

/** Things that scopes reach are real, so that finding them would be seen; whatever else is in a path exists nowhere. */
function pathOf(route: string): string {
  const path = route.split(" ")[1]!.replace("/*", "/");
  const kind = hidden(route);
  const first = kind ? ids[kind]! : nobody;
  return `${path
    .replace("{group}", "0".repeat(64))
    .replace("{assignmentId}", ids.assignment!)
    .replace(/\{[^}]+\}/, first)
    .replaceAll(/\{[^}]+\}/g, "1")}${queryOf(route)}`;
}

/** What a route cannot do without. */
function queryOf(route: string): string {
  if (/output(\.txt|-ticket)?$/.test(route)) return `?target=${ids.target}&step=step-1`;
  if (route.includes("/output-groups")) return "?step=step-1";
  return route.includes("/compare") ? `?with=${ids.execution}` : "";
}

/** Where the shape of the body is looked at before the right: something that fits. */
const bodies: Record<string, unknown> = {
  "PATCH /api/v1/targets/{idOrName}": { description: "x" },
  "PUT /api/v1/targets/{idOrName}/groups": { groups: [] },
  "PATCH /api/v1/groups/{idOrName}": { description: "x" },
  "POST /api/v1/groups/{idOrName}/targets": { add: [] },
  "POST /api/v1/agents/{idOrName}/revoke": { reason: "x" },
  "PUT /api/v1/agents/{idOrName}/limit": { limit: null },
  "POST /api/v1/executions/{id}/assignments/{assignmentId}/abandon": { reason: "x" },
  "PUT /api/v1/jobs/{idOrName}": {
    apiVersion: "opsconductor/v1",
    kind: "Job",
    name: "elsewhere",
    steps: [{ run: "true" }],
  },
};

const isRefused = ({ status, body }: TestAnswer) => status === 403 && body.code === "permission_denied";
const seen = ({ status, body }: TestAnswer) => ({ status, code: body?.code, missing: body?.missing?.permission });

test("nobody without a session gets anywhere", async () => {
  for (const route of guarded) expect([route, (await tried(route, {})).status]).toEqual([route, 401]);
});

test.each([...builtInRoles.map((role) => role.name), "nothing"])(
  "%s may what the table says, and nothing else",
  async (name) => {
    const role = builtInRoles.find((each) => each.name === name);
    const held: readonly string[] = role?.permissions ?? [];
    for (const route of guarded) {
      const { needs } = requirementOf(route)!;
      if (needs !== "token" && (held.includes("*") || held.includes(needs))) continue; // tried with the next test
      const { headers } = await person([...held]);
      const answer = await tried(route, headers);
      if (needs === "token")
        expect([route, answer.status === 401, seen(answer).missing]).toEqual([route, false, undefined]);
      else expect([route, seen(answer)]).toEqual([route, { status: 403, code: "permission_denied", missing: needs }]);
    }
  },
);

/** One account a set of permissions: signing in is slow on purpose. */
const people = new Map<string, Promise<{ headers: Headers; username: string }>>();
function person(permissions: string[]) {
  const key = permissions.join();
  const known = people.get(key) ?? signedIn(t.ctx, http, permissions);
  people.set(key, known);
  return known;
}

test("whoever holds exactly what a route needs is not refused for it", async () => {
  for (const route of guarded) {
    const { needs } = requirementOf(route)!;
    if (needs === "token") continue;
    const { headers } = await person([needs]);
    const answer = await tried(
      route,
      headers,
      pathOf(route)
        .replace(/forbidden-fruit/g, "unknown")
        .replace(ids.group!, nobody),
    );
    expect([route, answer.status === 401, isRefused(answer) && answer.body.missing?.permission === needs]).toEqual([
      route,
      false,
      false,
    ]);
  }
});

test("a scope elsewhere hides what it does not reach, from every route", async () => {
  const stranger = await signedIn(t.ctx, http, []);
  const grant = { role: "admin", scope: { kind: "job", job: "elsewhere" } };
  expect((await api("POST", `users/${stranger.username}/grants`, admin, grant)).status).toBe(201);
  for (const route of guarded) {
    const { needs } = requirementOf(route)!;
    const answer = await tried(route, stranger.headers);
    const text = JSON.stringify(answer.body).replaceAll(new RegExp(`${mark}[^"]*\\\\"`, "g"), '"'); // a refusal may repeat the question
    if (answer.status < 400) expect([route, text.includes(mark)]).toEqual([route, false]);
    if (needs === "token") continue;
    if (!(scopablePermissions as readonly string[]).includes(needs))
      expect([route, seen(answer)]).toEqual([route, { status: 403, code: "permission_denied", missing: needs }]);
    // A group is nothing that a grant on a job reaches: changing one asks for a right over everything first.
    else if (hidden(route) === "group" && needs === "targets:write")
      expect([route, answer.status >= 403]).toEqual([route, true]);
    else if (hidden(route)) expect([route, answer.status]).toEqual([route, 404]);
  }
});

test("a session that was ended and a user who was deactivated are as strangers at once", async () => {
  const revoked = await signedIn(t.ctx, http);
  const own = (await api("GET", "auth/sessions", revoked.headers)).body.items;
  for (const { id } of own) await api("DELETE", `users/${revoked.username}/sessions/${id}`, admin);
  const disabled = await signedIn(t.ctx, http);
  await api("PATCH", `users/${disabled.username}`, admin, { active: false });
  for (const { headers } of [revoked, disabled])
    for (const route of guarded) expect([route, (await tried(route, headers)).status]).toEqual([route, 401]);
});

test("no other spelling of a path opens what the path itself does not", async () => {
  const { headers } = await person([]);
  const spellings = [
    (path: string) => path.replace(/(\?|$)/, "/$1"),
    (path: string) => `/${path}`,
    (path: string) => path.replace(/\/(?=[^/]+$)/, "//"),
    (path: string) =>
      path.replace(/\/([a-z])(?=[a-z-]*(\/|$))/, (_, first: string) => `/%${first.charCodeAt(0).toString(16)}`),
    (path: string) => path.replace(/\/[a-z]/, (start) => start.toUpperCase()),
    (path: string) => path.replace("/api/", "/api/./"),
    (path: string) => path.replace("/api/v1/", "/api/v1/auth/../"),
    (path: string) => path.replace(/(\?|$)/, ";x=1$1"),
    (path: string) => path.replace(/(\?|$)/, "%00$1"),
  ];
  for (const route of guarded)
    for (const spell of spellings)
      for (const caller of [{}, headers]) {
        const path = spell(pathOf(route));
        const answer = await tried(route, caller, path);
        const isPage = answer.headers.get("content-type")?.startsWith("text/html");
        const own = requirementOf(route)!.needs === "token" && caller === headers; // open to everybody who is signed in
        expect([path, answer.status < 400 && !isPage && !own]).toEqual([path, false]);
      }
});

test("every topic is followed by those whom the table names, and by nobody else", async () => {
  expect(
    Object.keys(requirements)
      .filter((entry) => entry.startsWith("FOLLOW "))
      .sort(),
  ).toEqual(liveTopics.map((topic) => `FOLLOW ${topic}`).sort());
  for (const topic of [...liveTopics, `executions:${nobody}`])
    for (const { permissions } of [...builtInRoles, { permissions: [] }]) {
      const needed = requirements[`FOLLOW ${topic.split(":")[0]}`] as string;
      const held: readonly string[] = permissions;
      const { headers } = await person([...held]);
      cases += 1;
      const answer = await http.app.request(`/api/v1/events?topics=${topic}`, { headers });
      await answer.body?.cancel();
      expect([topic, held, answer.status]).toEqual([
        topic,
        held,
        needed === "token" || held.includes("*") || held.includes(needed) ? 200 : 403,
      ]);
    }
});
