import { type SelectorSubject, selects } from "@opsconductor/contract/job/select-in-memory";
import { parseSelector, printSelector, type Selector, type SelectorField } from "@opsconductor/contract/job/selector";
import { type TestDatabase, testDatabase } from "@opsconductor/database/testing/test-database";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { anySelectorSql } from "./any-selector-sql.ts";
import { selectorSql } from "./selector-sql.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await testDatabase();
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
type Placed = Omit<SelectorSubject, "groups"> & { in: number[] };
const subject: fc.Arbitrary<Placed> = fc.record({
  in: fc.uniqueArray(fc.nat({ max: groupNames.length - 1 }), { maxLength: 2 }),
  name,
  os: fc.option(fc.constantFrom("linux", "Linux", "İOS", "İOS", "")),
  labels: fc.dictionary(key, text, { maxKeys: 3 }),
  facts: fc.dictionary(factKey, fact, { maxKeys: 2 }) as fc.Arbitrary<Record<string, unknown>>,
});
const inventory = fc.uniqueArray(subject, { maxLength: 12, selector: (s) => s.name.toLowerCase() });

const field: fc.Arbitrary<SelectorField> = fc.oneof(
  fc.constantFrom<SelectorField>({ kind: "name" }, { kind: "os" }, { kind: "group" }),
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
      fc.tuple(field, glob).map(([f, pattern]): Selector => ({ op: "like", field: f, pattern })),
      tie("selector").map((item): Selector => ({ op: "not", item })),
      items.map((list): Selector => ({ op: "and", items: list })),
      items.map((list): Selector => ({ op: "or", items: list })),
    ),
  };
});

const groupId = (index: number) => `01999999-0000-7000-8000-00000000000${index}`;

function withGroups({ in: own, ...rest }: Placed, parents: readonly (number | null)[]): SelectorSubject {
  const all = new Set<number>();
  for (let at of own as (number | null)[]) for (; at !== null; at = parents[at]!) all.add(at);
  return { ...rest, groups: [...all].map((index) => groupNames[index]!) };
}

async function fill(subjects: Placed[], parents: readonly (number | null)[] = []): Promise<void> {
  await db.owner`truncate assets.targets, assets.groups cascade`;
  for (const [index, parent] of parents.entries())
    await db.sql`insert into assets.groups (id, name, parent_id)
      values (${groupId(index)}, ${groupNames[index]!}, ${parent === null ? null : groupId(parent)})`;
  for (const { name, os, labels, facts, in: own } of subjects) {
    const json = (value: object) => db.sql.json(value as Parameters<typeof db.sql.json>[0]);
    await db.sql`
      with t as (insert into assets.targets (id, name, os, labels, facts)
        values (gen_random_uuid(), ${name}, ${os}, ${json(labels)}, ${json(facts)}) returning id)
      insert into assets.group_members (group_id, target_id)
      select g, t.id from t, unnest(${own.map(groupId)}::uuid[]) g`;
  }
}

const namesBySql = (tree: Selector) => namesWhere(selectorSql(db.sql, tree));

async function namesWhere(condition: ReturnType<typeof selectorSql>): Promise<string[]> {
  const rows = await db.sql<{ name: string }[]>`select name from assets.targets t where ${condition}`;
  return rows.map((row) => row.name).sort();
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
      for (const tree of trees) {
        const inMemory = subjects.filter((s) => selects(tree, s)).map((s) => s.name);
        expect(await namesBySql(tree), printSelector(tree)).toEqual(inMemory.sort());
        if (inMemory.length > 0) compared++;
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
});

test("a selector of the largest size is answered", async () => {
  await fill([{ name: "a", os: null, labels: { x: "1" }, facts: {}, in: [] }]);
  const long = parseSelector(Array.from({ length: 280 }, () => "x=1").join(" or "));
  expect(await namesBySql(long)).toEqual(["a"]);
});

test("what a value contains never becomes SQL", async () => {
  const evil = "'; drop table assets.targets; --";
  await fill([{ name: "a", os: null, labels: { env: evil }, facts: {}, in: [] }]);
  expect(await namesBySql(parseSelector(`env="${evil}"`))).toEqual(["a"]);
  expect(await namesBySql(parseSelector(`"${evil}"`))).toEqual([]);
});
