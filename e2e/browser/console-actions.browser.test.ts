// Check mode and actions as a person sees them, in a real Chromium before real processes: check first, see what would
// change, run it for real, read what an action takes.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Api } from "../devstack/api.ts";
import { type Devstack, startDevstack } from "../devstack/devstack.ts";
import { createJob, onlineTarget } from "../devstack/story.ts";
import { launchChromium, type Trouble } from "./chromium.ts";
import { accessibilityProblems, sidewaysOverflow, untilSettled } from "./page-checks.ts";
import { showOnFailure, signIn, visit } from "./visit.ts";

const password = "a-password-of-the-test";
let stack: Devstack;
let browser: Browser;
let page: Page;
let trouble: Trouble;
let target: string;
let file: string;

beforeAll(async () => {
  stack = await startDevstack({ adminPassword: password, localAgent: true });
  const api = await Api.signIn(stack.url, "admin", password);
  target = (await onlineTarget(api)).name;
  file = join(stack.folder, "written by an action");
  const steps = `steps:\n  - { id: f, uses: file, with: { path: "${file}", content: "hello\\n" } }\n  - run: echo script\n`;
  await createJob(api, `apiVersion: opsconductor/v1\nkind: Job\nname: careful\n${steps}`);
  browser = await launchChromium();
  ({ page, trouble } = await visit(browser, stack.url));
  await page.goto("/login");
  await signIn(page, "admin", password);
  await page.getByRole("navigation", { name: "Main" }).waitFor();
});
afterAll(async () => {
  await browser?.close();
  await stack?.stop();
});

test("a check tells what would change and changes nothing; then the same is run for real", async () => {
  showOnFailure(page, trouble);
  await page.goto("/jobs/careful");
  await page.getByRole("button", { name: "Run", exact: true }).first().click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("By name").click();
  await dialog.getByRole("textbox", { name: "Names" }).fill(target);
  await dialog.getByLabel("Check only").check();
  await dialog.getByRole("button", { name: "Check 1 target" }).click();
  await page.waitForURL(/\/executions\//);
  await page.getByText("Would change", { exact: true }).waitFor();
  await page.getByText("Check mode", { exact: true }).first().waitFor();
  await page.getByText(`+hello`).first().waitFor();
  await untilSettled(page);
  await page.screenshot({ path: "test-results/actions-check.png" });
  expect(await accessibilityProblems(page)).toEqual([]);
  expect(existsSync(file)).toBe(false);
  await page.getByRole("button", { name: "Run it for real" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Run on 1 target" }).click();
  // The page follows to the last step; the action is the one before.
  await page.getByText("Run again").waitFor();
  await page
    .getByRole("button", { name: /written by an action|file \/tmp/ })
    .first()
    .click();
  await page.getByText("Changed", { exact: true }).waitFor();
  expect(readFileSync(file, "utf8")).toBe("hello\n");
  await page.goto("/executions");
  await page.getByText("Check mode", { exact: true }).first().waitFor();
});

test("the page of actions shows what each takes, and is filtered", async () => {
  showOnFailure(page, trouble);
  await page.goto("/jobs");
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Actions" }).click();
  await page.getByRole("heading", { name: "wait-for", exact: true }).waitFor();
  await untilSettled(page);
  await page.screenshot({ path: "test-results/actions-page.png" });
  expect(await accessibilityProblems(page)).toEqual([]);
  await page.setViewportSize({ width: 320, height: 700 });
  expect(await sidewaysOverflow(page)).toEqual([]);
  await page.screenshot({ path: "test-results/actions-narrow.png" });
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.getByLabel("Filter actions").fill("certificateDays");
  await expect
    .poll(() => page.getByRole("main").getByRole("heading", { level: 2 }).allTextContents())
    .toEqual(["http"]);
});
