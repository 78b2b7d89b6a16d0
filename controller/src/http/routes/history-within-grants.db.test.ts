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
  await t.ctx.sql`insert into assets.targets (id, name) select uuidv7(), 'web-' || n from generate_series(0, 9) n`;
});
afterAll(() => t.close());

/**
 * Executions of one target each, web-0 to web-9 in turn, one a second and the newest so many seconds ago. The id of the
 * assignment has the millisecond of its execution's.
 */
async function ran(count: number, newestSecondsAgo: number, { on = 10, targetCount = 1 } = {}): Promise<void> {
  await t.ctx.sql`
    with one as materialized (
      select uuidv7(make_interval(secs => -at)) as id,
        now() - make_interval(secs => at) as at, t.id as target_id, t.name
      from (select n, (${newestSecondsAgo} + n)::float8 as at from generate_series(0, ${count - 1}) n) s
      join assets.targets t on t.name = 'web-' || s.n % ${on}
    ), execution as (
      insert into automation.executions (id, number, job_id, job_name, job_version, definition_sha256, state, reason,
        trigger_kind, requested_by_name, target_count, counts, created_at, started_at, finished_at)
      select one.id, nextval('automation.execution_number'), j.id, j.name, 1, v.sha256, 'succeeded', '', 'manual', 'admin',
        ${targetCount}, '{"succeeded": 1}', one.at, one.at, one.at
      from one join automation.jobs j on j.name = 'nightly' join automation.job_versions v on v.job_id = j.id
    )
    insert into automation.assignments (id, execution_id, stage_id, target_id, target_name, attempt, fence, state, begun,
      created_at, finished_at)
    select (left(id::text, 24) || right(gen_random_uuid()::text, 12))::uuid, id, 'main', target_id, name, 1, 1, 'succeeded', true, at, at from one`;
}

/** Ids of all executions that somebody with a viewer's grant there turns through, page by page. */
async function seenBy(selector: string, limit: number): Promise<string[]> {
  const viewer = await signedIn(t.ctx, http, ["jobs:read"]);
  const scope = { kind: "selector", selector };
  const given = await http.call(
    "POST",
    `/api/v1/users/${viewer.username}/grants`,
    { role: "viewer", scope },
    admin.headers,
  );
  expect(given.status).toBe(201);
  const ids: string[] = [];
  for (let cursor: string | undefined = ""; cursor !== undefined; ) {
    const path = `/api/v1/executions?limit=${limit}${cursor && `&cursor=${cursor}`}`;
    const answer = await http.call("GET", path, undefined, viewer.headers);
    const page = answer.body as { items: { id: string }[]; nextCursor?: string };
    ids.push(...page.items.map(({ id }) => id));
    cursor = page.nextCursor;
  }
  return ids;
}

async function on(...targets: string[]): Promise<string[]> {
  const rows = await t.ctx.sql<{ executionId: string }[]>`
    select execution_id from automation.assignments where target_name = any(${targets}) order by execution_id desc`;
  return rows.map(({ executionId }) => executionId);
}

test("a page is the newest in reach: among the newest of all, long before them, and behind one on many targets", async () => {
  await ran(40, 60);
  const some = await seenBy("name=web-3 or name=web-7", 3);
  expect(some).toHaveLength(8);
  expect(some).toEqual(await on("web-3", "web-7"));

  // More than are walked, none of them in reach of web-1 and later.
  await ran(2500, 4000, { on: 1 });
  await ran(30, 9000);
  const few = await seenBy("name=web-9", 3);
  expect(few).toHaveLength(7);
  expect(few).toEqual(await on("web-9"));

  await ran(1, 1, { targetCount: 6000 });
  const behind = await seenBy("name=web-0 or name=web-5", 200);
  expect(behind).toHaveLength(4 + 2500 + 3 + 1 + 7);
  expect(behind).toEqual(await on("web-0", "web-5"));
});
