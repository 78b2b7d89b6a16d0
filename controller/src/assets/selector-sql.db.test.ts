import { type SelectorSubject, selects } from "@opsconductor/contract/job/select-in-memory";
import { parseSelector, printSelector, type Selector, type SelectorField } from "@opsconductor/contract/job/selector";
import { type TestDatabase, testDatabase } from "@opsconductor/database/testing/test-database";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
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
const subject: fc.Arbitrary<SelectorSubject> = fc.record({
  name,
  os: fc.option(fc.constantFrom("linux", "Linux", "İOS", "İOS", "")),
  labels: fc.dictionary(key, text, { maxKeys: 3 }),
  facts: fc.dictionary(factKey, fact, { maxKeys: 2 }) as fc.Arbitrary<Record<string, unknown>>,
});
const inventory = fc.uniqueArray(subject, { maxLength: 12, selector: (s) => s.name.toLowerCase() });

const field: fc.Arbitrary<SelectorField> = fc.oneof(
  fc.constantFrom<SelectorField>({ kind: "name" }, { kind: "os" }),
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
      fc.tuple(field, glob).map(([f, pattern]): Selector => ({ op: "like", field: f, pattern })),
      tie("selector").map((item): Selector => ({ op: "not", item })),
      items.map((list): Selector => ({ op: "and", items: list })),
      items.map((list): Selector => ({ op: "or", items: list })),
    ),
  };
});

async function fill(subjects: SelectorSubject[]): Promise<void> {
  await db.owner`truncate assets.targets cascade`;
  for (const { name, os, labels, facts } of subjects) {
    const json = (value: object) => db.sql.json(value as Parameters<typeof db.sql.json>[0]);
    await db.sql`insert into assets.targets (id, name, os, labels, facts)
      values (gen_random_uuid(), ${name}, ${os}, ${json(labels)}, ${json(facts)})`;
  }
}

async function namesBySql(tree: Selector): Promise<string[]> {
  const rows = await db.sql<{ name: string }[]>`select name from assets.targets t where ${selectorSql(db.sql, tree)}`;
  return rows.map((row) => row.name).sort();
}

test("the database and memory choose the same targets", async () => {
  let compared = 0;
  const property = fc.asyncProperty(
    inventory,
    fc.array(selector, { minLength: 5, maxLength: 15 }),
    async (subjects, trees) => {
      await fill(subjects);
      for (const tree of trees) {
        const inMemory = subjects.filter((s) => selects(tree, s)).map((s) => s.name);
        expect(await namesBySql(tree), printSelector(tree)).toEqual(inMemory.sort());
        if (inMemory.length > 0) compared++;
      }
    },
  );
  await fc.assert(property, { numRuns: 150 });
  expect(compared).toBeGreaterThan(50);
});

test("a selector of the largest size is answered", async () => {
  await fill([{ name: "a", os: null, labels: { x: "1" }, facts: {} }]);
  const long = parseSelector(Array.from({ length: 280 }, () => "x=1").join(" or "));
  expect(await namesBySql(long)).toEqual(["a"]);
});

test("what a value contains never becomes SQL", async () => {
  const evil = "'; drop table assets.targets; --";
  await fill([{ name: "a", os: null, labels: { env: evil }, facts: {} }]);
  expect(await namesBySql(parseSelector(`env="${evil}"`))).toEqual(["a"]);
  expect(await namesBySql(parseSelector(`"${evil}"`))).toEqual([]);
});
