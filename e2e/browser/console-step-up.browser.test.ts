// A fresh proof before far-reaching acts, in a real browser: asked for over the form that needs it, which then goes on.
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Devstack, startDevstack } from "../devstack/devstack.ts";
import { stackDatabase } from "../devstack/stack-database.ts";
import { launchChromium, newContext, type Trouble } from "./chromium.ts";
import { accessibilityProblems, sidewaysOverflow } from "./page-checks.ts";
import { focused, signIn, visit } from "./visit.ts";

const password = "a-password-asked-for-again";
let stack: Devstack;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let trouble: Trouble;

beforeAll(async () => {
  stack = await startDevstack({ adminPassword: password });
  browser = await launchChromium();
  ({ page, context, trouble } = await visit(browser, stack.url));
  await page.goto("/access/users");
  await signIn(page, "admin", password);
  await page.getByRole("heading", { name: "Users", level: 1 }).waitFor();
});
afterAll(async () => {
  await browser?.close();
  await stack?.stop();
});

/** As if everybody had signed in an hour ago; returns when the controller has forgotten what it knew of the session. */
async function ageSessions() {
  const sql = stackDatabase(stack);
  await sql`update identity.sessions set authenticated_at = authenticated_at - interval '1 hour'`;
  await sql.end();
  const { accessToken } = await (await context.request.post("/api/v1/auth/refresh")).json();
  const headers = { authorization: `Bearer ${accessToken}` };
  const probe = async () => (await (await context.request.post("/api/v1/users", { data: {}, headers })).json()).code;
  await expect.poll(probe).toBe("reauthentication_required");
}
const asked = () => page.getByRole("dialog", { name: "Is it still you?" });

test("an old sign-in is asked for the password over the form, and the form's request goes on by itself", async () => {
  await page.getByRole("button", { name: "Add a user" }).click();
  const form = page.getByRole("dialog", { name: "Add a user" });
  await form.getByLabel("User name").fill("ben");
  await form.getByLabel("viewer").check();
  await ageSessions();
  await form.getByRole("button", { name: "Add user" }).click();
  await asked().waitFor();
  expect(await accessibilityProblems(page)).toEqual([]);
  await asked().getByRole("button", { name: "Go on" }).click();
  await asked().getByText("Enter your password.").waitFor();
  await expect.poll(() => focused(page)).toBe("Your password");
  await page.keyboard.type("not this one");
  await asked().getByRole("button", { name: "Go on" }).press("Enter");
  await asked().getByText("This is not your password.").waitFor();
  await expect.poll(() => focused(page)).toBe("Your password");
  await page.setViewportSize({ width: 320, height: 800 });
  expect(await sidewaysOverflow(page)).toEqual([]);
  await page.setViewportSize({ width: 1280, height: 800 });
  await asked().getByLabel("Your password").fill(password);
  await page.keyboard.press("Enter");
  await page.getByRole("dialog", { name: "ben is added" }).waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "Done" }).click();
});

test("who gives no proof loses nothing but the act; Escape closes the question alone", async () => {
  await page.getByRole("button", { name: "Add a user" }).click();
  const form = page.getByRole("dialog", { name: "Add a user" });
  await form.getByLabel("User name").fill("cleo");
  await form.getByLabel("viewer").check();
  await ageSessions();
  await form.getByRole("button", { name: "Add user" }).click();
  await asked().waitFor();
  await page.keyboard.press("Escape");
  await asked().waitFor({ state: "hidden" });
  await form.getByText("A fresh proof is needed").waitFor();
  expect(await form.getByLabel("User name").inputValue()).toBe("cleo");
});

test("name and preferences are kept by the controller: another browser has them, and sign-ins are listed", async () => {
  await page.goto("/me");
  await page.getByLabel("Job title").fill("Night shift");
  await page.getByRole("button", { name: "Save profile" }).click();
  await page.getByText("Your profile is saved.").waitFor();
  const stored = page.waitForResponse((response) => response.request().method() === "PATCH" && response.ok());
  await page.getByLabel("Density").selectOption("compact");
  await stored;
  const written = page.waitForResponse((response) => response.request().method() === "PATCH" && response.ok());
  await page.getByLabel("Dates and numbers").selectOption("de");
  await page.getByText("12.345,6").waitFor();
  await written;
  expect(await accessibilityProblems(page)).toEqual([]);
  const wished = page.waitForResponse((response) => response.request().method() === "PATCH" && response.ok());
  await page.getByLabel("Sign-ins to my account").selectOption("all");
  await wished;
  // In the background of the same browser; what is told is told once.
  const twin = await context.newPage();
  await twin.goto("/agents");
  await page.goto("/jobs");
  await page.bringToFront();
  const following = (tab: Page) =>
    tab.waitForResponse((response) => /events\?topics=(.*%2C)?me\b/.test(response.url()));
  await Promise.all([following(twin), following(page), twin.reload(), page.reload()]);
  const second = await newContext(browser, stack.url);
  const other = await second.context.newPage();
  await other.goto("/me");
  await signIn(other, "admin", password);
  const told = (tab: Page) => tab.getByText("Your account was signed in to");
  await expect.poll(async () => (await told(page).count()) + (await told(twin).count())).toBe(1);
  const front = (await told(page).count()) === 1 ? page : twin;
  await front.getByRole("button", { name: "Open", exact: true }).click();
  await front.waitForURL("**/me");
  expect(await told(front === page ? twin : page).count()).toBe(0);
  await twin.close();
  await expect.poll(() => other.locator("html").getAttribute("data-density")).toBe("compact");
  expect(await other.getByLabel("Job title").inputValue()).toBe("Night shift");
  await other.getByText("12.345,6").waitFor();
  expect(await other.getByLabel("Dates and numbers").inputValue()).toBe("de");
  await other.getByText("Proved who it is").first().waitFor();
  await other.setViewportSize({ width: 320, height: 800 });
  expect(await sidewaysOverflow(other)).toEqual([]);
  expect(second.trouble).toEqual({ policy: [], errors: [] });
  await second.context.close();
});

test("in all of this the content security policy had nothing to refuse, and no page had an error", () => {
  expect(trouble).toEqual({ policy: [], errors: [] });
});
