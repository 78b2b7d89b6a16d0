// npm run bench -- selector: what choosing among 100,000 targets costs, for each kind of condition: the preview that a
// person sees while typing (how many, and the first 50), asked over HTTP. The floor beside it counts as many rows by an
// index, in the same database.
import type { Sql } from "@opsconductor/database/connect";
import { Api } from "../../e2e/devstack/api.ts";
import { startDevstack } from "../../e2e/devstack/devstack.ts";
import { stackDatabase } from "../../e2e/devstack/stack-database.ts";
import { type Figure, optionOf, percentile, print, timed } from "./figures.ts";

const password = "bench-of-selectors";
const count = Number(optionOf("--targets") ?? 100_000);
const rounds = Number(optionOf("--rounds") ?? 40);

const selectors: Record<string, string> = {
  label: "site=site-42",
  "label of a fifth": "env=env-1",
  "labels, and, or, not": "env=env-1 and role in (role-1, role-2) and not frozen",
  "label exists, not": "not frozen",
  pattern: "name~host-0042*",
  "group with descendants": "group=region-3",
  service: "service=postgresql",
  "fact of a thousandth": "fact.os.build=build-77",
  "fact of all": "fact.os.family=linux",
  "state of the agent": "agent=offline",
  "state of the agent, nearly all": "agent=online",
  "all kinds": "env=env-1 and group=region-3 and service=ssh and fact.os.family=linux and agent=online and not frozen",
};

export async function benchSelector(): Promise<void> {
  const stack = await startDevstack({ adminPassword: password, env: { OC_RATE_LIMIT: "0" } });
  const sql = stackDatabase(stack);
  try {
    await fill(sql);
    const api = await Api.signIn(stack.url, "admin", password);
    const figures: Figure[] = [];
    for (const [name, select] of Object.entries(selectors)) figures.push(...(await measure(api, sql, name, select)));
    const about = `${count} targets with an agent each; ${rounds} previews of each selector, after 5`;
    print("selector", about, figures);
  } finally {
    await sql.end();
    await stack.stop();
  }
}

async function measure(api: Api, sql: Sql, name: string, select: string): Promise<Figure[]> {
  const ask = () => api.get<{ count: number }>(`/api/v1/targets/resolve?limit=50&select=${encodeURIComponent(select)}`);
  const { count: chosen } = await ask();
  await timed(4, ask);
  const times = await timed(rounds, ask);
  const bare = () =>
    sql`select count(*) from (select from assets.targets where deleted_at is null order by lower(name) limit ${chosen}) t`;
  await bare();
  const floor = await timed(10, bare);
  return [
    { name: `${name}: p50`, value: percentile(times, 0.5), unit: "ms", note: `${chosen} chosen: ${select}` },
    { name: `${name}: p95`, value: percentile(times, 0.95), unit: "ms" },
    { name: `${name}: floor p50`, value: percentile(floor, 0.5), unit: "ms" },
  ];
}

/** As a fleet is: every host with an agent, labels, one or two groups of a forest, services, and two dozen facts. */
async function fill(sql: Sql): Promise<void> {
  await sql`insert into assets.groups (id, name, parent_id)
    select uuidv7(), 'region-' || n, null from generate_series(1, 10) n`;
  await sql`insert into assets.groups (id, name, parent_id)
    select uuidv7(), 'rack-' || n, (select id from assets.groups where name = 'region-' || (n % 10 + 1))
    from generate_series(1, 500) n`;
  await sql`insert into fleet.agents (id, name, status, identity_key, sealing_key, journal_id)
    select uuidv7(), 'host-' || lpad(n::text, 6, '0'), 'active', int8send(n), '', 'journal' from generate_series(1, ${count}::int8) n`;
  await sql`insert into fleet.agent_sessions (agent_id, epoch, controller_id)
    select id, 1, case when right(name, 2) <> '07' then (select id from fleet.controllers limit 1) end from fleet.agents`;
  await sql`insert into assets.targets (id, name, os, labels, managed_by_agent_id)
    select uuidv7(), a.name, 'linux',
      jsonb_build_object('env', 'env-' || n % 5, 'role', 'role-' || n % 20, 'site', 'site-' || n % 100)
        || case when n % 50 = 0 then '{"frozen": ""}' else '{}' end::jsonb, a.id
    from (select id, name, right(name, 6)::int8 as n from fleet.agents) a`;
  await sql`insert into assets.target_facts (target_id, facts)
    select id, jsonb_build_object('os', jsonb_build_object('family', 'linux', 'id', 'debian', 'build', 'build-' || n % 1000),
        'cpus', n % 64, 'memory', n * 1024, 'serial', md5(n::text),
        'network', (select jsonb_agg(jsonb_build_object('name', 'eth' || i, 'mac', md5((n * i)::text))) from generate_series(1, 4) i),
        'packages', (select jsonb_object_agg('package-' || i, '1.' || (n + i) % 90) from generate_series(1, 20) i))
    from (select id, right(name, 6)::int8 as n from assets.targets) t`;
  await sql`insert into assets.group_members (group_id, target_id)
    select g.id, t.id from assets.targets t join assets.groups g on g.name = 'rack-' || (right(t.name, 6)::int8 % 500 + 1)`;
  await sql`insert into assets.services (id, target_id, type, port)
    select uuidv7(), t.id, s.type, s.port from assets.targets t
    join (values ('ssh', 22, 1), ('https', 443, 4), ('postgresql', 5432, 50)) s (type, port, share)
      on right(t.name, 6)::int8 % s.share = 0`;
  await sql`analyze`;
}
