// Lint as a test: whatever scrolls can be scrolled without a mouse, at every moment (WCAG 2.1.1). A box that scrolls takes
// the focus (tabindex 0), or `{@attach reachable}` gives it the focus while nothing inside has any, or stands below with
// the reason why neither is needed.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { expect, test } from "vitest";

const src = import.meta.dirname;
const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".svelte"));

/** By file and the beginning of the tag. */
const reasons: Readonly<Record<string, string>> = {
  "lib/ui/table.svelte <div": "its rows take the focus, and without rows it does",
  "lib/ui/tabs.svelte <div": "it always holds the chosen tab, which is a tab stop",
  "lib/executions/flow-graph.svelte <div": "it holds nothing but stages, of which one is a tab stop",
  "lib/ui/link-tabs.svelte <nav": "it holds nothing but links",
  "lib/shell/nav-list.svelte <nav": "it holds nothing but links",
  "lib/shell/shell.svelte <main": "takes the focus at every change of page; each page has its links and buttons",
  "lib/targets/agent-picker.svelte <Combobox.Content": "the combobox keeps the focus and scrolls to its choice",
};

/** Opening tags of `source`, attributes with braces and quotes included. */
function tagsOf(source: string): string[] {
  const tags: string[] = [];
  for (const match of source.matchAll(/<[A-Za-z][\w.:-]*(?=[\s>])/g)) {
    let depth = 0;
    let quote = "";
    let at = match.index;
    for (; at < source.length; at += 1) {
      const sign = source[at]!;
      if (quote) quote = sign === quote && depth === 0 ? "" : quote;
      else if (sign === '"' && depth === 0) quote = sign;
      if (sign === "{") depth += 1;
      else if (sign === "}") depth -= 1;
      else if (sign === ">" && depth === 0 && quote === "") break;
    }
    tags.push(source.slice(match.index, at + 1));
  }
  return tags;
}

const scrolls = /overflow-(?:[xy]-)?(?:auto|scroll)\b/;
const isReachable = (tag: string) => /tabindex=(?:"0"|\{0\})/.test(tag) || tag.includes("{@attach reachable}");

/** `file <tag` of every box that scrolls and may be out of the keyboard's reach. */
function problemsIn(source: string, file: string): string[] {
  const markup = source.replace(/<script[\s\S]*?<\/script>/g, "").replace(/<!--[\s\S]*?-->/g, "");
  return tagsOf(markup)
    .filter((tag) => scrolls.test(tag) && !isReachable(tag))
    .map((tag) => `${file} ${/^<[\w.:-]+/.exec(tag)![0]}`);
}

test("whatever scrolls can be scrolled without a mouse", () => {
  const found = files.flatMap((file) => problemsIn(readFileSync(join(src, file), "utf8"), relative(".", file)));
  expect(found.filter((problem) => reasons[problem] === undefined)).toEqual([]);
  expect(Object.keys(reasons).filter((reason) => !found.includes(reason))).toEqual([]);
});

test.each([
  ['<div class="overflow-auto">', 1],
  ['<div class="max-lg:overflow-y-auto" {@attach reachable}>', 0],
  ['<ul tabindex="0" class="overflow-x-auto">', 0],
  ['<ul tabindex="-1" onclick={() => a > b} class="overflow-x-auto">', 1],
  ['<div class="overflow-hidden"><p class="x" title="a > overflow-auto"></p>', 1],
  ["<div class=\"{a > 1 ? 'overflow-auto' : ''}\">", 1],
  ['<!-- <div class="overflow-auto"> --><p class="overflow-hidden">', 0],
])("the lint sees what it should in %s", (source, count) => expect(problemsIn(source, "x")).toHaveLength(count));
