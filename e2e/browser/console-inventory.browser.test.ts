// The console by keyboard and by its address: targets are added, found, edited and deleted without a mouse, every list
// comes back from its address, and a killed controller is told of and survived.
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Api } from "../devstack/api.ts";
import { type Devstack, startDevstack } from "../devstack/devstack.ts";
import { launchChromium, type Trouble } from "./chromium.ts";
import { untilSettled } from "./page-checks.ts";
import { visit } from "./visit.ts";

const adminPassword = "an-inventory-password";
const names = ["db-1", "web-1", "web-2", "web-10"];
let stack: Devstack;
let browser: Browser;
let page: Page;
let trouble: Trouble;

beforeAll(async () => {
  stack = await startDevstack({ adminPassword });
  browser = await launchChromium();
  ({ page, trouble } = await visit(browser, stack.url));
  const api = await Api.signIn(stack.url, "admin", adminPassword);
  for (const name of names) await api.post("/api/v1/targets", { name, labels: { role: name.split("-")[0]! } });
});
afterAll(async () => {
  await browser?.close();
  await stack?.stop();
});

const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim() ?? "");
const shownNames = () => page.locator("tr[data-index] a").allInnerTexts();

test("sign-in leads to the address that was wanted, by keyboard alone", async () => {
  await page.goto("/targets?q=web");
  await page.getByLabel("User name").waitFor();
  await page.keyboard.type("admin");
  await page.keyboard.press("Tab");
  await page.keyboard.type(adminPassword);
  await page.keyboard.press("Enter");
  await page.getByText("3 of 4 targets").waitFor();
  expect(new URL(page.url()).search).toBe("?q=web");
  expect(await shownNames(), "numbers in names are numbers").toEqual(["web-1", "web-2", "web-10"]);
});

test("keys go to pages, rows and the filter, and Enter opens", async () => {
  await page.keyboard.press("g");
  await page.keyboard.press("t");
  await page.getByText("4 targets", { exact: true }).waitFor();
  await expect.poll(() => page.evaluate(() => document.activeElement?.id)).toBe("main");
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await expect.poll(focused).toContain("web-1");
  await page.keyboard.press("x");
  await page.getByText("1 selected").waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("jx db");
  await expect.poll(() => new URL(page.url()).search, { message: "letters are letters there" }).toBe("?q=jx+db");
  await page.keyboard.press("Escape");
  await expect.poll(() => new URL(page.url()).search).toBe("");
  await page.locator("tr[data-index] a", { hasText: "web-2" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "web-2", level: 1 }).waitFor();
  expect(await page.title()).toBe("web-2 · OpsConductor");
});

test("a target is added and edited by keyboard; what is wrong stands at its field", async () => {
  await page.goto("/targets?dialog=add");
  await page.getByRole("dialog", { name: "Add a target" }).waitFor();
  await expect.poll(() => page.evaluate(() => document.activeElement?.tagName)).toBe("INPUT");
  await page.keyboard.press("Enter");
  await page.getByText("Enter a name.").waitFor();
  await page.keyboard.type("web-1");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").or(page.locator("[id$=-error]")).first().waitFor();
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type("switch-1");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "switch-1", level: 1 }).waitFor();
  await page.getByRole("button", { name: "Edit" }).press("Enter");
  await page.getByRole("button", { name: "Add label" }).press("Enter");
  await page.keyboard.type("site");
  await page.keyboard.press("Tab");
  await page.keyboard.type("fra-1");
  await page.keyboard.press("Enter");
  await page.getByText("site=fra-1").waitFor();
});

test("a selector narrows the list, and what is wrong with one is said at its character", async () => {
  await page.goto("/targets?select=role%20in%20(web,%20db)%20and%20not%20name%3Ddb-1");
  await page.getByText("3 targets", { exact: true }).waitFor();
  await page.goto("/targets?select=role%3Dweb%20and%20((");
  await page.getByText("At character 16").waitFor();
  expect(await page.getByLabel("Selector", { exact: true }).getAttribute("aria-invalid")).toBe("true");
});

test("filter, order and tab come back from the address, by reload and by going back", async () => {
  await page.goto("/targets");
  await page.getByText("5 targets", { exact: true }).waitFor();
  await page.getByLabel("Filter by name, address or label").fill("web");
  await page.getByText("3 of 5 targets").waitFor();
  await page.getByRole("button", { name: "Target", exact: true }).click();
  await expect.poll(() => new URL(page.url()).search).toBe("?q=web&sort=-name");
  const before = await shownNames();
  expect(before).toEqual(["web-10", "web-2", "web-1"]);
  await page.reload();
  await page.getByText("3 of 5 targets").waitFor();
  expect(await shownNames()).toEqual(before);
  await page.getByRole("link", { name: "web-2" }).click();
  await page.getByRole("tab", { name: "Facts" }).click();
  await expect.poll(() => new URL(page.url()).search).toBe("?tab=facts");
  await page.goBack();
  await page.goBack();
  await page.getByText("3 of 5 targets").waitFor();
  expect(await shownNames()).toEqual(before);
  expect(await page.getByLabel("Filter by name, address or label").inputValue()).toBe("web");
});

test("a change by somebody else appears by itself, and a deletion asks first", async () => {
  await page.goto("/targets");
  await page.getByText("5 targets", { exact: true }).waitFor();
  const api = await Api.signIn(stack.url, "admin", adminPassword);
  await api.post("/api/v1/targets", { name: "cache-1" });
  await page.getByText("6 targets", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Actions for cache-1" }).press("Enter");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog", { name: "Delete cache-1?" }).getByRole("button", { name: "Delete target" }).click();
  await page.getByText("5 targets", { exact: true }).waitFor();
});

test("while the controller is away the page says since when its figures are old, and goes on when it is back", async () => {
  await page.goto("/targets");
  await untilSettled(page);
  await page.getByRole("status").getByText("Live").waitFor();
  await stack.killController();
  await page.getByText(/last updated\s+\d\d:\d\d:\d\d/).waitFor();
  expect(await page.locator("tr[data-index]").count(), "what was known stays to be read").toBe(5);
  await stack.startController();
  await page.getByText(/last updated/).waitFor({ state: "detached" });
  const api = await Api.signIn(stack.url, "admin", adminPassword);
  await api.post("/api/v1/targets", { name: "after-1" });
  await page.getByText("6 targets", { exact: true }).waitFor();
});

test("in all of this the content security policy had nothing to refuse, and no page had an error", () => {
  expect(trouble).toEqual({ policy: [], errors: [] });
});
