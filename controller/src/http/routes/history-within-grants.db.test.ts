// The list of executions for somebody who sees a part of the fleet: the same rows, whichever way the query takes to them.
import { afterAll, beforeAll, expect, test } from "vitest";
import { saveTestJob } from "../../automation/testing/save-test-job.ts";
import { ensureBuiltInRoles } from "../../identity/built-in-roles.ts";
import { type TestContext, testContext } from "../../testing/test-context.ts";
import { signedIn, type TestHttp, testHttp } from "../../testing/test-http.ts";

let t: TestContext;
let http: TestHttp;
let admin: Awaited<ReturnType<typeof signedIn>>;

beforeAll(async () => {
  t = await testContext();
  await ensureBuiltInRoles(t.ctx);
  http = testHttp(t.ctx);
  admin = await signedIn(t.ctx, http);
  await saveTestJob(t, "nightly");
  await t.ctx.sql`
    insert into assets.targets (id, name) select uuidv7(), 'web-' || n from generate_series(0, 9) n
    union all select uuidv7(), 'idle-' || n from generate_series(1, 60) n`;
});
afterAll(() => t.close());

/**
 * Executions of one target each, web-0 to web-9 in turn, one a second and the newest so many seconds ago; every third failed. The id of the
 * assignment has the millisecond of its execution's.
 */
async function ran(count: number, newestSecondsAgo: number, { on = 10, targetCount = 1 } = {}): Promise<void> {
  await t.ctx.sql`
    with one as materialized (
      select uuidv7(make_interval(secs => -at)) as id, case when s.n % 3 = 0 then 'failed' else 'succeeded' end as state,
        now() - make_interval(secs => at) as at, t.id as target_id, t.name
      from (select n, (${newestSecondsAgo} + n)::float8 as at from generate_series(0, ${count - 1}) n) s
      join assets.targets t on t.name = 'web-' || s.n % ${on}
    ), execution as (
      insert into automation.executions (id, number, job_id, job_name, job_version, definition_sha256, state, reason,
        trigger_kind, requested_by_name, target_count, counts, created_at, started_at, finished_at)
      select one.id, nextval('automation.execution_number'), j.id, j.name, 1, v.sha256, one.state, '', 'manual', 'admin',
        ${targetCount}, jsonb_build_object(one.state, 1), one.at, one.at, one.at
      from one join automation.jobs j on j.name = 'nightly' join automation.job_versions v on v.job_id = j.id
    )
    insert into automation.assignments (id, execution_id, stage_id, target_id, target_name, attempt, fence, state, begun,
      created_at, finished_at)
    select (left(id::text, 24) || right(gen_random_uuid()::text, 12))::uuid, id, 'main', target_id, name, 1, 1, state, true, at, at from one`;
}

type Viewer = Awaited<ReturnType<typeof signedIn>>;

async function viewerOf(selector: string): Promise<Viewer> {
  const viewer = await signedIn(t.ctx, http, ["jobs:read"]);
  const grant = { role: "viewer", scope: { kind: "selector", selector } };
  const given = await http.call("POST", `/api/v1/users/${viewer.username}/grants`, grant, admin.headers);
  expect(given.status).toBe(201);
  return viewer;
}

/** Ids of all executions that the viewer turns through, page by page. */
async function pagesOf(viewer: Viewer, limit: number, filter: string): Promise<string[]> {
  const ids: string[] = [];
  for (let cursor: string | undefined = ""; cursor !== undefined; ) {
    const path = `/api/v1/executions?limit=${limit}${filter}${cursor && `&cursor=${cursor}`}`;
    const answer = await http.call("GET", path, undefined, viewer.headers);
    const page = answer.body as { items: { id: string }[]; nextCursor?: string };
    ids.push(...page.items.map(({ id }) => id));
    cursor = page.nextCursor;
  }
  return ids;
}

/**
 * By every filter, all of that target's executions that it means and no other; for somebody with that target alone, and for
 * somebody with many besides, on which nothing ran.
 */
async function expectAllOn(target: string, limit: number, total: number): Promise<void> {
  const viewers = [await viewerOf(`name=${target}`), await viewerOf(`name=${target} or name~idle-*`)];
  const rows = await t.ctx.sql<{ executionId: string; state: string }[]>`
    select execution_id, state from automation.assignments where target_name = ${target} order by execution_id desc`;
  const ids = (states = ["succeeded", "failed"]) =>
    rows.filter(({ state }) => states.includes(state)).map(({ executionId }) => executionId);
  expect(rows).toHaveLength(total);
  expect(ids(["failed"]).length).toBeGreaterThan(0);
  const both = "&state=failed,succeeded";
  for (const viewer of viewers) {
    for (const filter of ["", "&job=nightly", "&q=night", both, `&job=nightly${both}`])
      expect(await pagesOf(viewer, limit, filter), filter).toEqual(ids());
    expect(await pagesOf(viewer, limit, "&state=failed,cancelled")).toEqual(ids(["failed"]));
  }
}

test("a page is the newest in reach: among the newest of all, long before them, and behind one on many targets", async () => {
  await ran(40, 60);
  await expectAllOn("web-3", 2, 4);

  // More than are walked of each state, none of them in reach of web-9.
  await ran(7000, 4000, { on: 1 });
  await ran(30, 12_000);
  await expectAllOn("web-9", 3, 4 + 3);

  await ran(1, 1, { targetCount: 6000 });
  await expectAllOn("web-0", 200, 4 + 7000 + 3 + 1);
});
