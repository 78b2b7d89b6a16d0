import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { matchesGlob } from "./glob.ts";
import { type SelectorSubject, selects } from "./select-in-memory.ts";
import { parseSelector, printSelector, type Selector, type SelectorField } from "./selector.ts";
import { SelectorError } from "./selector-tokens.ts";

const web: SelectorSubject = {
  name: "Web-01",
  os: "linux",
  labels: { env: "prod", role: "web", frozen: "", name: "odd", group: "label" },
  groups: ["Europe", "berlin"],
  services: ["ssh", "HTTPS"],
  agentState: "online",
  facts: { os: { family: "Linux" }, cpus: 4, disks: [{ size: 1e21 }], swap: false, nothing: null },
};
const chosen = (text: string) => selects(parseSelector(text), web);

test.each([
  ["env=prod and role in (web, api)", true],
  ["env=prod and role in (db)", false],
  ["frozen", true],
  ["not frozen", false],
  ["missing!=x", true],
  ["missing not in (x, y)", true],
  ["missing~*", false],
  ["env!=prod", false],
  ["name=web-01", true],
  ["name~WEB-*", true],
  ["name~web-??", true],
  ["os=Linux", true],
  ["env=Prod", false],
  ['"name"=odd', true],
  ["fact.os.family=Linux", true],
  ["fact.os", false],
  ["fact.cpus=4", true],
  ["fact.disks.0.size=1000000000000000000000", true],
  ["fact.disks.-1.size", true],
  ["fact.swap=false", true],
  ["fact.nothing", false],
  ["a or env=prod and not a", true],
  ["(a or env=prod) and a", false],
  ["NOT a AND frozen", true],
  ["env='prod'", true],
  ["group=europe", true],
  ["group in (asia, BERLIN)", true],
  ["group=asia", false],
  ["group!=europe", false],
  ["group", true],
  ["group~ber*", true],
  ['"group"=label', true],
  ["service=https and service in (SSH, telnet)", true],
  ["service=http", false],
  ["service~http*", true],
  ["agent=Online", true],
  ["agent and agent not in (offline, revoked)", true],
])("%s is %s", (text, expected) => {
  expect(chosen(text)).toBe(expected);
});

test.each([
  ["", 0, "the selector is empty"],
  ["env==prod", 3, "equality is written ="],
  ["env=prod && a", 9, "write and"],
  ["!frozen", 0, "write not before it"],
  ["env=", 4, "expected a value, found the end"],
  ["agent in (online, asleep)", 18, "the state of an agent is one of online, offline"],
  ["env=in", 4, "in is a word of the grammar, so quote it"],
  ["env=prod role=web", 9, 'expected "and" or "or" before role'],
  ["(env=prod", 0, "this ( has no )"],
  ["env=prod)", 8, "this ) has no ("],
  ["role in web", 8, "expected ( after in"],
  ["role in (web", 12, "expected ) or ,"],
  ["name=web-*", 5, "patterns use ~ instead of ="],
  ['env="prod', 4, "is never closed"],
  ["group=", 6, "expected a value"],
  ["tag", 0, "tags are labels here"],
  ["fact=x", 0, "a fact is written fact.os.family"],
  ["cpus>4", 4, "> is not known"],
  ["1x=2", 0, "1x is no label name"],
  ["env=prös", 6, "needs quotes"],
  ["x".repeat(2001), 2000, "at most 2000 characters"],
  [`${"(".repeat(500)}a`, 100, "nested too deeply"],
  [`${"not ".repeat(300)}a`, 400, "nested too deeply"],
])("%j is refused at %i: %s", (text, offset, message) => {
  let error: unknown;
  try {
    parseSelector(text);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(SelectorError);
  expect((error as SelectorError).message).toContain(message);
  expect((error as SelectorError).offset).toBe(offset);
});

/** Any UTF-16 unit, halves of pairs too. (The tables behind fast-check's own units take seconds to build.) */
const anyUnit = fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code));
const value = fc.oneof(
  fc.constantFrom("prod", "web-01", "a b", "in", "", '"', "\\", "*", "é😀"),
  fc.string({ unit: anyUnit, maxLength: 8 }),
);
const clean = value.filter((text) => text.isWellFormed() && !text.includes("\0"));
const field: fc.Arbitrary<SelectorField> = fc.oneof(
  fc.constantFrom<SelectorField>({ kind: "name" }, { kind: "os" }),
  clean.filter((key) => key !== "").map((key): SelectorField => ({ kind: "label", key })),
  fc.constantFrom<SelectorField>(
    { kind: "label", key: "name" },
    { kind: "label", key: "group" },
    { kind: "label", key: "not" },
  ),
  fc
    .array(fc.stringMatching(/^[A-Za-z0-9_-]{1,6}$/), { minLength: 1, maxLength: 3 })
    .map((path): SelectorField => ({ kind: "fact", path })),
);
const { selector } = fc.letrec<{ selector: Selector }>((tie) => {
  const items = fc.array(tie("selector"), { minLength: 2, maxLength: 3 });
  return {
    selector: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      field.map((f): Selector => ({ op: "has", field: f })),
      fc
        .tuple(field, fc.array(clean, { minLength: 1, maxLength: 3 }))
        .map(([f, values]): Selector => ({ op: "is", field: f, values })),
      fc.tuple(field, clean).map(([f, pattern]): Selector => ({ op: "like", field: f, pattern })),
      tie("selector").map((item): Selector => ({ op: "not", item })),
      items.map((list): Selector => ({ op: "and", items: list })),
      items.map((list): Selector => ({ op: "or", items: list })),
    ),
  };
});

describe("properties", () => {
  test("a printed selector is read back as the same tree", () => {
    fc.assert(
      fc.property(selector, (tree) => {
        const text = printSelector(tree);
        fc.pre(text.length <= 2000);
        expect(parseSelector(text)).toEqual(tree);
      }),
      { numRuns: 1000 },
    );
  });

  test("any text is either read or refused with a place inside it", () => {
    const words = fc.array(
      fc.constantFrom("a", "env", "=", "!=", "~", "in", "not", "and", "or", "(", ")", ",", '"x"', "fact.a", "'", "<"),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          words.map((list) => list.join(" ")),
          fc.string({ unit: anyUnit }),
        ),
        (text) => {
          try {
            parseSelector(text);
          } catch (error) {
            expect(error).toBeInstanceOf(SelectorError);
            expect((error as SelectorError).offset).toBeLessThanOrEqual(text.length);
          }
        },
      ),
    );
  });

  test("a glob is the regular expression it looks like", () => {
    const chars = (list: string[]) =>
      fc.array(fc.constantFrom(...list), { maxLength: 8 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(chars(["a", "b", "*", "?", "."]), chars(["a", "b", ".", "\n", "😀"]), (glob, text) => {
        const source = glob.replaceAll(".", "\\.").replaceAll("*", ".*").replaceAll("?", ".");
        expect(matchesGlob(glob, text)).toBe(new RegExp(`^${source}$`, "su").test(text));
      }),
      { numRuns: 1000 },
    );
  });
});
