// How a browser test comes to a page and through the sign-in, and what it leaves for a person when it fails. Called by
// the tests beside it.
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { onTestFailed } from "vitest";
import { newContext, type Trouble } from "./chromium.ts";

export interface Visit {
  page: Page;
  context: BrowserContext;
  trouble: Trouble;
}

/** A page in a profile of its own. Waits are long: the machine may be busy, and a condition that comes late is no failure. */
export async function visit(browser: Browser, url: string): Promise<Visit> {
  const { context, trouble } = await newContext(browser, url);
  const page = await context.newPage();
  page.setDefaultTimeout(40_000);
  return { page, context, trouble };
}

/** Fills in the sign-in page that `page` shows; returns before the answer is there. */
export async function signIn(page: Page, username: string, password: string): Promise<void> {
  await page.getByLabel("User name").fill(username);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

/** What the keyboard would act on: the name of the focused element, or its tag when it has none. */
export function focused(page: Page): Promise<string> {
  return page.evaluate(() => {
    const element = document.activeElement as HTMLElement & { labels?: NodeListOf<HTMLElement> };
    const label = element.getAttribute("aria-label") ?? element.labels?.[0]?.innerText;
    return (label ?? (element.matches("button, a, h1, h2") ? element.innerText : element.tagName)).trim();
  });
}

/** Call it first in a test: a picture says more than a selector that was not found. */
export function showOnFailure(page: Page, trouble: Trouble): void {
  onTestFailed(async ({ task }) => {
    const picture = join("test-results", `${task.name.replaceAll(/\W+/g, "-").slice(0, 60)}.png`);
    await page.screenshot({ path: picture });
    console.error(`${page.url()} is shown in ${picture}; in the page: ${JSON.stringify(trouble)}`);
  });
}
