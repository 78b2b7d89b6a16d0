// API tokens and service accounts in the hands of a person: made, shown once, used by a program, revoked.
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Api } from "../devstack/api.ts";
import { type Devstack, startDevstack } from "../devstack/devstack.ts";
import { launchChromium, type Trouble } from "./chromium.ts";
import { accessibilityProblems, sidewaysOverflow, untilSettled } from "./page-checks.ts";
import { focused, signIn, visit } from "./visit.ts";

const adminPassword = "a-password-for-tokens";
let stack: Devstack;
let browser: Browser;
let page: Page;
let trouble: Trouble;

beforeAll(async () => {
  stack = await startDevstack({ adminPassword });
  browser = await launchChromium();
  ({ page, trouble } = await visit(browser, stack.url));
  await page.goto("/me");
  await signIn(page, "admin", adminPassword);
  await page.getByRole("heading", { name: "My settings", level: 1 }).waitFor();
});
afterAll(async () => {
  await browser?.close();
  await stack?.stop();
});

const dialog = () => page.getByRole("dialog");
const shownToken = async () => (await dialog().getByLabel("API token", { exact: true }).innerText()).trim();
const statusOf = async (token: string) => (await new Api(stack.url, token).request("GET", "/api/v1/jobs")).status;

test("somebody makes a token in their settings, sees it once, and ends it", async () => {
  await page.getByRole("button", { name: "Make a token" }).click();
  await dialog().getByRole("button", { name: "Make token" }).click();
  await dialog().getByText("Say what the token is for.").waitFor();
  await dialog().getByText("Choose at least one permission.").waitFor();
  await expect.poll(() => focused(page)).toBe("What is it for?");
  await page.keyboard.type("nightly report");
  await page.keyboard.press("Enter");
  await expect.poll(() => focused(page)).toMatch(/^Only/);
  await dialog().getByLabel("jobs:read").check();
  expect(await accessibilityProblems(page)).toEqual([]);
  await dialog().getByRole("button", { name: "Make token" }).click();
  const token = await shownToken();
  expect(token).toMatch(/^oct_[0-9A-Za-z]{49}$/);
  expect(await accessibilityProblems(page)).toEqual([]);
  expect(await statusOf(token)).toBe(200);
  await dialog().getByRole("button", { name: "Done" }).click();
  const item = page.getByRole("listitem").filter({ hasText: "nightly report" });
  await item.getByText("jobs:read").waitFor();
  expect(await page.content()).not.toContain(token);
  await item.getByRole("button", { name: "Revoke" }).click();
  await dialog().getByRole("button", { name: "Revoke" }).click();
  await item.getByText("Revoked").waitFor();
  await expect.poll(() => statusOf(token), { timeout: 2500 }).toBe(401);
});

test("an administrator adds a service account, goes on to its first token, and stops it", async () => {
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Service accounts" }).click();
  await page.getByText("No service accounts yet").waitFor();
  await page.getByRole("button", { name: "Add a service account" }).first().click();
  await dialog().getByLabel("Name", { exact: true }).fill("build server");
  await dialog().getByLabel("operator").check();
  await dialog().getByRole("button", { name: "Add account" }).click();
  await dialog().getByText("Use letters, digits").waitFor();
  await dialog().getByLabel("Name", { exact: true }).fill("build-server");
  await dialog().getByRole("button", { name: "Add account" }).click();
  await page
    .getByRole("dialog", { name: "API tokens of build-server" })
    .getByRole("button", { name: "Make a token" })
    .click();
  const making = page.getByRole("dialog", { name: "Make an API token for build-server" });
  await making.getByLabel("What is it for?").fill("deploys");
  await making.getByLabel("Everything its owner may").check();
  await making.getByRole("button", { name: "Make token" }).click();
  const made = page.getByRole("dialog", { name: "deploys is made" });
  const token = (await made.getByLabel("API token", { exact: true }).innerText()).trim();
  await made.getByRole("button", { name: "Done" }).click();
  expect(await statusOf(token)).toBe(200);
  await page.getByRole("dialog", { name: "API tokens of build-server" }).getByRole("button", { name: "Close" }).click();
  await page.getByRole("button", { name: "Actions for build-server" }).click();
  await page.getByRole("menuitem", { name: "Deactivate" }).click();
  await dialog().getByRole("button", { name: "Deactivate" }).click();
  await page.getByText("build-server is not active any more.").waitFor();
  await expect.poll(() => statusOf(token), { timeout: 2500 }).toBe(401);
  await page.getByRole("link", { name: "API tokens", exact: true }).click();
  await page.getByText("Nothing matches this filter").waitFor();
  await page.getByRole("button", { name: "All", exact: true }).click();
  await page.getByRole("row", { name: /deploys.*build-server.*Suspended/ }).waitFor();
});

test("the pages have nothing for axe to find and fit a narrow screen, in light and dark", async () => {
  for (const path of ["/access/service-accounts", "/access/tokens?state=all", "/access/users", "/me"])
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width: 1280, height: 800 });
      await page.goto(path);
      await untilSettled(page);
      expect([path, colorScheme, await accessibilityProblems(page)]).toEqual([path, colorScheme, []]);
      await page.setViewportSize({ width: 320, height: 640 });
      expect([path, await sidewaysOverflow(page)]).toEqual([path, []]);
      await page.setViewportSize({ width: 1280, height: 800 });
    }
  expect(trouble).toEqual({ policy: [], errors: [] });
});
