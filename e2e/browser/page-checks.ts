// What must hold on every page: nothing for axe to find, and no sideways scrolling at 320 CSS pixels (WCAG 1.4.10).
import type { AxeResults } from "axe-core";
import type { Page } from "playwright-core";
import { waitFor } from "../devstack/wait-for.ts";

/** axe's findings on the page as it is, one readable line each. */
export async function accessibilityProblems(page: Page): Promise<string[]> {
  const results = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(root: Document, options: object): Promise<AxeResults> } }).axe.run(
      document,
      {
        runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
        resultTypes: ["violations"],
      },
    ),
  );
  return results.violations.flatMap(({ id, nodes }) =>
    nodes.map(
      (node) => `${id}: ${node.target.join(" ")} ${node.failureSummary?.split("\n").slice(1).join("; ") ?? ""}`,
    ),
  );
}

/** What sticks out to the right at the current width, as selectors; empty when nothing does. */
export async function sidewaysOverflow(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    // What scrolls inside its own box (a log, a wide table) may be wider; what widens the page may not.
    const inScroller = (element: Element): boolean => {
      for (let at = element.parentElement; at && at !== document.body; at = at.parentElement)
        if (/auto|scroll|hidden|clip/.test(getComputedStyle(at).overflowX)) return true;
      return false;
    };
    return [...document.body.querySelectorAll("*")]
      .filter((element) => element.getBoundingClientRect().right > width + 1 && !inScroller(element))
      .slice(0, 5)
      .map((element) => `${element.tagName.toLowerCase()}.${[...element.classList].slice(0, 4).join(".")}`);
  });
}

/** Tables that are wider than the place they have, with how much wider in pixels: what acts on a row is out of sight. */
export async function cutTables(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>("main [role=region]:has(> [role=grid])")]
      .filter((region) => region.scrollWidth > region.clientWidth)
      .map((region) => `${region.ariaLabel}: ${region.scrollWidth - region.clientWidth}`),
  );
}

/** Waits until the page has nothing that says it is still loading. */
export async function untilSettled(page: Page): Promise<void> {
  await page.waitForLoadState("load");
  await waitFor("the page to be settled", () =>
    page.evaluate(() => document.querySelector("main") !== null && document.querySelector("[aria-busy=true]") === null),
  );
}
