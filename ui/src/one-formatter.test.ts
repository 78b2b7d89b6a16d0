// Dates and numbers are written in one place, so that what a person chose holds on every page.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = import.meta.dirname;
const own =
  /\bnew Intl\.(DateTime|Number|RelativeTime|Duration)Format|\bnew Intl\.Collator|\.toLocale\w*String\(|\.toFixed\(/;

test("no component and no message writes dates or numbers by itself: lib/format does, by the person's habits", () => {
  const sources = readdirSync(root, { recursive: true, encoding: "utf8" }).filter(
    (path) => /\.(ts|svelte)$/.test(path) && !path.endsWith(".test.ts"),
  );
  expect(sources.length).toBeGreaterThan(200);
  const wrong = sources.filter(
    (path) => path !== "lib/format/habits.svelte.ts" && own.test(readFileSync(join(root, path), "utf8")),
  );
  expect(wrong).toEqual([]);
});
