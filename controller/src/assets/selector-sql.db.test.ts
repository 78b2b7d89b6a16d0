import { type SelectorSubject, selects } from "@opsconductor/contract/job/select-in-memory";
import { parseSelector, printSelector, type Selector, type SelectorField } from "@opsconductor/contract/job/selector";
import { type AgentState, agentStates } from "@opsconductor/contract/states";
import { type TestDatabase, testDatabase } from "@opsconductor/database/testing/test-database";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { anySelectorSql } from "./any-selector-sql.ts";
import { halvesOf, narrowedTargets } from "./narrowed-targets.ts";
import { type Reading, selectorSql } from "./selector-sql.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await testDatabase();
  for (const state of agentStates) await makeAgent(state);
});
afterAll(() => db.close());

/** Values that look like syntax of either language, and few enough of them to meet. */
const text = fc.constantFrom(
  "prod",
  "web",
  "WEB",
  "a b",
  "100%",
  "a_b",
  "axb",
  "\\",
  "'",
  '"',
  "*",
  "?",
  "",
  "é",
  "İ",
  "😀x",
  "\n",
  "true",
  "4",
  "0.5",
  "1000000000000000000000",
  "0.0000001",
  "İOS",
  "i̇os",
);
const groupText = fc.constantFrom("world", "EUROPE", "Berlin", "A_B", "100%", "lab", "none");
const serviceText = fc.constantFrom("ssh", "SSH", "http", "İOS", "a_b", "axb", "100%");
const key = fc.constantFrom("env", "role", "a.b", "x/y", "name", "'", '"', "?", "é", "__proto__");
const factKey = fc.constantFrom("a", "b", "0", "-1", "c-d");
const leaf = fc.oneof(
  text,
  fc.constantFrom<unknown>(4, 0.5, 1e21, 1e-7, -0, 1e21, 1e-7, 1.5e300, -2.5e-9, true, false, null, [], {}),
);
const { fact } = fc.letrec<{ fact: unknown }>((tie) => ({
  fact: fc.oneof(
    { maxDepth: 2 },
    leaf,
    fc.array(tie("fact"), { maxLength: 2 }),
    fc.dictionary(factKey, tie("fact"), { maxKeys: 2 }),
  ),
}));
const name = fc.stringMatching(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,3}[A-Za-z0-9])?$/);

/** A forest: each group lies below an earlier one, or below none. */
const groupNames = ["World", "Europe", "berlin", "a_b", "100%", "lab"];
const forest = fc
  .tuple(...groupNames.map((_, i) => fc.option(fc.nat({ max: Math.max(0, i - 1) }))))
  .map((parents) => parents.map((parent, i) => (i === 0 ? null : parent)));
type Placed = Omit<SelectorSubject, "groups" | "services"> & { in: number[]; offers: Offer[] };
interface Offer {
  type: string;
  enabled: boolean;
}
const subject: fc.Arbitrary<Placed> = fc.record({
  in: fc.uniqueArray(fc.nat({ max: groupNames.length - 1 }), { maxLength: 2 }),
  name,
  os: fc.option(fc.constantFrom("linux", "Linux", "İOS", "İOS", "")),
  labels: fc.dictionary(key, text, { maxKeys: 3 }),
  offers: fc.array(fc.record({ type: serviceText, enabled: fc.boolean() }), { maxLength: 2 }),
  agentState: fc.option(fc.constantFrom(...agentStates)),
  facts: fc.dictionary(factKey, fact, { maxKeys: 2 }) as fc.Arbitrary<Record<string, unknown>>,
});
const inventory = fc.uniqueArray(subject, { maxLength: 12, selector: (s) => s.name.toLowerCase() });

const field: fc.Arbitrary<SelectorField> = fc.oneof(
  fc.constantFrom<SelectorField>(
    { kind: "name" },
    { kind: "os" },
    { kind: "group" },
    { kind: "service" },
    { kind: "agent" },
  ),
  key.map((k): SelectorField => ({ kind: "label", key: k })),
  fc.array(factKey, { minLength: 1, maxLength: 3 }).map((path): SelectorField => ({ kind: "fact", path })),
);
const glob = fc.oneof(text, fc.constantFrom("*", "?", "w*", "*b", "a?b", "*%*", "\\*", "L*", "??x"));
const { selector } = fc.letrec<{ selector: Selector }>((tie) => {
  const items = fc.array(tie("selector"), { minLength: 2, maxLength: 3 });
  return {
    selector: fc.oneof(
      { maxDepth: 3 },
      field.map((f): Selector => ({ op: "has", field: f })),
      fc
        .tuple(field, fc.array(text, { minLength: 1, maxLength: 2 }))
        .map(([f, values]): Selector => ({ op: "is", field: f, values })),
      fc
        .array(groupText, { minLength: 1, maxLength: 2 })
        .map((values): Selector => ({ op: "is", field: { kind: "group" }, values })),
      fc
        .array(serviceText, { minLength: 1, maxLength: 2 })
        .map((values): Selector => ({ op: "is", field: { kind: "service" }, values })),
      fc
        .array(fc.constantFrom(...agentStates), { minLength: 1, maxLength: 2 })
        .map((values): Selector => ({ op: "is", field: { kind: "agent" }, values })),
      fc.tuple(field, glob).map(([f, pattern]): Selector => ({ op: "like", field: f, pattern })),
      tie("selector").map((item): Selector => ({ op: "not", item })),
      items.map((list): Selector => ({ op: "and", items: list })),
      items.map((list): Selector => ({ op: "or", items: list })),
    ),
  };
});

const agentId = (state: AgentState) => `01999999-0000-7000-8000-0000000000a${agentStates.indexOf(state)}`;

/** One in each state, on a controller that lives for the whole test. */
async function makeAgent(state: AgentState): Promise<void> {
  const [id, controller] = [agentId(state), "01999999-0000-7000-8000-0000000000c0"];
  const status = state === "quarantined" || state === "revoked" ? state : "active";
  await db.owner`insert into fleet.controllers (id, started_at, lease_until, version, hostname)
    values (${controller}, now(), now() + interval '1 hour', '1', 'here') on conflict do nothing`;
  await db.owner`insert into fleet.agents (id, name, status, identity_key, sealing_key, journal_id)
    values (${id}, ${state}, ${status}, ${Buffer.from(state)}, '', ${state === "never_connected" ? null : "journal"})`;
  if (state === "never_connected") return;
  await db.owner`insert into fleet.agent_sessions (agent_id, epoch, controller_id)
    values (${id}, 1, ${state === "offline" ? null : controller})`;
}

const groupId = (index: number) => `01999999-0000-7000-8000-00000000000${index}`;

function withGroups({ in: own, offers, ...rest }: Placed, parents: readonly (number | null)[]): SelectorSubject {
  const all = new Set<number>();
  for (let at of own as (number | null)[]) for (; at !== null; at = parents[at]!) all.add(at);
  const services = offers.filter(({ enabled }) => enabled).map(({ type }) => type);
  return { ...rest, services, groups: [...all].map((index) => groupNames[index]!) };
}

async function fill(subjects: Placed[], parents: readonly (number | null)[] = []): Promise<void> {
  await db.owner`with g as (delete from assets.groups) delete from assets.targets`;
  const json = (value: object) => db.sql.json(value as Parameters<typeof db.sql.json>[0]);
  const groups = parents.map((parent, i) => ({
    id: groupId(i),
    name: groupNames[i],
    up: parent === null ? null : groupId(parent),
  }));
  const rows = subjects.map(({ agentState, in: own, ...rest }) => ({
    ...rest,
    groups: own.map(groupId),
    agent: agentState === null ? null : agentId(agentState),
  }));
  await db.sql`insert into assets.groups (id, name, parent_id)
    select * from jsonb_to_recordset(${json(groups)}) as g(id uuid, name text, up uuid)`;
  await db.sql`
    with r as materialized (
      select gen_random_uuid() as id, r.* from jsonb_to_recordset(${json(rows)})
        as r(name text, os text, labels jsonb, facts jsonb, agent uuid, groups jsonb, offers jsonb)),
    t as (insert into assets.targets (id, name, os, labels, managed_by_agent_id)
      select id, name, os, labels, agent from r),
    f as (insert into assets.target_facts (target_id, facts) select id, facts from r where facts <> '{}'),
    v as (insert into assets.services (id, target_id, type, port, enabled)
      select gen_random_uuid(), r.id, o.type, 1, o.enabled
      from r, jsonb_to_recordset(r.offers) as o(type text, enabled boolean))
    insert into assets.group_members (group_id, target_id)
    select g::uuid, r.id from r, jsonb_array_elements_text(r.groups) g`;
}

const namesBySql = (tree: Selector) => namesWhere(selectorSql(db.sql, tree));

async function namesWhere(condition: ReturnType<typeof selectorSql>): Promise<string[]> {
  const rows = await db.sql<{ name: string }[]>`select name from assets.targets t where ${condition}`;
  return rows.map((row) => row.name).sort();
}

async function namesNarrowed(tree: Selector, few: number): Promise<string[]> {
  const targets = narrowedTargets(db.sql, tree, () => db.sql`t.deleted_at is null`, few);
  return (await db.sql<{ name: string }[]>`select t.name from ${targets}`).map((row) => row.name).sort();
}

/** Joined with what is looked up apart, when it is not that itself. */
function besidesCostly(tree: Selector): Selector[] {
  const both: Selector = { op: "and", items: [tree, parseSelector("fact.a or service=ssh or env=prod")] };
  return halvesOf(both) ? [both] : [];
}

/** By name, what each of the selectors says of it: true or false, never null. */
async function chosenBySql(trees: readonly Selector[], reading?: Reading): Promise<Map<string, boolean[]>> {
  const conditions = trees.map((tree, i) => db.sql`${i ? db.sql`,` : db.sql``} ${selectorSql(db.sql, tree, reading)}`);
  const rows = await db.sql<{ name: string; chosen: boolean[] }[]>`
    select name, array[${conditions}] as chosen from assets.targets t`;
  return new Map(rows.map((row) => [row.name, row.chosen]));
}

test("the database and memory choose the same targets", async () => {
  let compared = 0;
  const property = fc.asyncProperty(
    inventory,
    forest,
    fc.array(selector, { minLength: 5, maxLength: 15 }),
    async (placed, parents, trees) => {
      await fill(placed, parents);
      const subjects = placed.map((one) => withGroups(one, parents));
      const readings = await Promise.all((["planned", "each", "all"] as const).map((how) => chosenBySql(trees, how)));
      for (const [index, tree] of trees.entries()) {
        const inMemory = subjects.map((s) => [s.name, selects(tree, s)]);
        for (const chosen of readings) {
          const inSql = subjects.map((s) => [s.name, chosen.get(s.name)![index]]);
          expect(inSql, printSelector(tree)).toEqual(inMemory);
        }
        if (inMemory.some(([, is]) => is)) compared++;
      }
      for (const [i, tree] of trees.flatMap(besidesCostly).entries()) {
        const inMemory = subjects.filter((s) => selects(tree, s)).map((s) => s.name);
        const few = [0, 3, 12][i % 3]!; // room for none, some or all of them
        expect(await namesNarrowed(tree, few), printSelector(tree)).toEqual(inMemory.sort());
      }
      // Many as one condition, told apart by a field that most of them ask for.
      const bound = trees.map((tree, i): Selector => {
        const values = [["prod", "web"], ["WEB"], ["", "é"]][i % 3]!;
        return {
          op: "and",
          items: [tree, { op: "is", field: { kind: i % 2 ? "name" : "label", key: "env" } as SelectorField, values }],
        };
      });
      const many = [...trees, ...bound];
      const inMemory = subjects.filter((s) => many.some((tree) => selects(tree, s))).map((s) => s.name);
      expect(await namesWhere(anySelectorSql(db.sql, many))).toEqual(inMemory.sort());
    },
  );
  await fc.assert(property, { numRuns: 150 });
  expect(compared).toBeGreaterThan(50);
}, 60_000);

test("services and the state of the agent choose targets, and a state that does not exist is refused", async () => {
  const one = { os: null, labels: {}, facts: {}, in: [] };
  await fill([
    { ...one, name: "web", offers: [{ type: "HTTP", enabled: true }], agentState: "online" },
    { ...one, name: "old", offers: [{ type: "http", enabled: false }], agentState: "revoked" },
    { ...one, name: "bare", offers: [], agentState: null },
  ]);
  expect(await namesBySql(parseSelector("service=http"))).toEqual(["web"]);
  expect(await namesBySql(parseSelector("not service"))).toEqual(["bare", "old"]);
  expect(await namesBySql(parseSelector("agent=online or agent in (revoked, offline)"))).toEqual(["old", "web"]);
  expect(await namesBySql(parseSelector("agent!=online"))).toEqual(["bare", "old"]);
  expect(() => parseSelector("agent=onlin")).toThrow("the state of an agent is one of online, offline");
});

test("a selector of the largest size is answered", async () => {
  await fill([{ name: "a", os: null, labels: { x: "1" }, facts: {}, in: [], offers: [], agentState: null }]);
  const long = parseSelector(Array.from({ length: 280 }, () => "x=1").join(" or "));
  expect(await namesBySql(long)).toEqual(["a"]);
});

test("what a value contains never becomes SQL", async () => {
  const evil = "'; drop table assets.targets; --";
  await fill([{ name: "a", os: null, labels: { env: evil }, facts: {}, in: [], offers: [], agentState: null }]);
  expect(await namesBySql(parseSelector(`env="${evil}"`))).toEqual(["a"]);
  expect(await namesBySql(parseSelector(`"${evil}"`))).toEqual([]);
});
