// Second factors in a real browser: setting up an app from its QR code, signing in with it, losing it, and a role that
// requires one.
import { TOTP } from "otpauth";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Api } from "../devstack/api.ts";
import { type Devstack, startDevstack } from "../devstack/devstack.ts";
import { launchChromium, type Trouble } from "./chromium.ts";
import { accessibilityProblems, sidewaysOverflow } from "./page-checks.ts";
import { focused, signIn, visit } from "./visit.ts";

const password = "a-password-with-a-factor";
let stack: Devstack;
let browser: Browser;
let page: Page;
let trouble: Trouble;
let api: Api;
let app: TOTP;
let recovery: string[];

beforeAll(async () => {
  stack = await startDevstack({ adminPassword: password });
  browser = await launchChromium();
  ({ page, trouble } = await visit(browser, stack.url));
  api = await Api.signIn(stack.url, "admin", password);
  await api.post("/api/v1/users", { username: "ann", roles: ["viewer"] });
});
afterAll(async () => {
  await browser?.close();
  await stack?.stop();
});

async function signInAs(username: string, secret: string) {
  await signIn(page, username, secret);
}
const signOut = async () => {
  await page.goto("/me");
  await page.getByRole("button", { name: "Sign out" }).last().click();
  await page.getByLabel("User name").waitFor();
};
/** Codes are good once: the next one is the one after. */
let ahead = 0;
const nextCode = () => app.generate({ timestamp: Date.now() + 30_000 * Math.min(ahead++, 1) });

async function setUpApp(scope: Pick<Page, "getByLabel" | "getByRole">) {
  await scope.getByRole("img", { name: "QR code for the authenticator app" }).waitFor();
  const secret = (await scope.getByLabel("Key for typing", { exact: true }).innerText()).replaceAll(/\s/g, "");
  app = new TOTP({ secret });
  ahead = 0;
  expect(await accessibilityProblems(page)).toEqual([]);
  await scope.getByLabel("Code the app shows now").fill("000000");
  await scope.getByRole("button", { name: "Confirm" }).click();
  await page.getByText("is the clock of the device right?").waitFor();
  await scope.getByLabel("Code the app shows now").fill(nextCode());
  await scope.getByRole("button", { name: "Confirm" }).click();
  const text = await scope.getByLabel("Recovery codes", { exact: true }).innerText();
  recovery = text.trim().split(/\s+/);
  expect(recovery).toHaveLength(10);
  expect(await accessibilityProblems(page)).toEqual([]);
  await scope.getByRole("button", { name: "I have kept them" }).click();
}

test("an authenticator app is set up from its key, and the recovery codes are shown once", async () => {
  await page.goto("/me");
  await signInAs("admin", password);
  await page.getByRole("button", { name: "Set up an app" }).click();
  await setUpApp(page.getByRole("dialog", { name: "Set up an authenticator app" }) as unknown as Page);
  await page.getByText("10 codes left.").waitFor();
  // The button that opened the dialog is gone: the one in its place has the focus.
  await expect.poll(() => focused(page)).toBe("Take away");
  expect(await accessibilityProblems(page)).toEqual([]);
  await page.setViewportSize({ width: 320, height: 800 });
  expect(await sidewaysOverflow(page)).toEqual([]);
  await page.setViewportSize({ width: 1280, height: 800 });
});

test("the password is followed by a code; a wrong one is told in place, the right one leads where one wanted to go", async () => {
  await signOut();
  await page.goto("/login?next=%2Ftargets");
  await signInAs("admin", password);
  await page.getByRole("heading", { name: "One more step" }).waitFor();
  expect(await accessibilityProblems(page)).toEqual([]);
  await page.getByLabel("Code", { exact: true }).fill("123456");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("wait for the next code of your app").waitFor();
  await page.getByLabel("Code", { exact: true }).fill(nextCode());
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Targets", level: 1 }).waitFor();
});

test("a recovery code opens the console without the app, and is used up then", async () => {
  await signOut();
  await signInAs("admin", password);
  await page.getByLabel("Code", { exact: true }).fill(recovery[0]!.toUpperCase());
  await page.keyboard.press("Enter");
  await page.getByText("9 codes left.").waitFor();
});

test("a role that needs a second factor leads to its setup before anything else; an administrator can reset it", async () => {
  await page.goto("/access/users");
  await page.getByRole("button", { name: "Roles that need a second factor" }).click();
  const roles = page.getByRole("dialog", { name: "Roles that need a second factor" });
  await roles.getByLabel("viewer").check();
  await page.getByText("viewer needs a second factor now.").waitFor();
  expect(await accessibilityProblems(page)).toEqual([]);
  const link = await api.post<{ token: string }>("/api/v1/users/ann/password-link");
  const annPassword = "a long sentence of hers";
  const set = { token: link.token, newPassword: annPassword };
  expect((await api.request("POST", "/api/v1/auth/password-link", set)).status).toBe(204);

  await signOut();
  await page.goto("/login?next=%2Fjobs");
  await signInAs("ann", annPassword);
  await page.getByRole("heading", { name: "Set up a second factor" }).waitFor();
  await page.goto("/targets");
  await page.getByRole("heading", { name: "Set up a second factor" }).waitFor();
  expect(await accessibilityProblems(page)).toEqual([]);
  await page.getByRole("button", { name: "An authenticator app instead" }).click();
  await setUpApp(page);
  await page.getByRole("heading", { name: "Targets", level: 1 }).waitFor();

  await api.request("DELETE", "/api/v1/users/ann/factors");
  await page.getByLabel("User name").waitFor();
  await signInAs("ann", annPassword);
  await page.getByRole("heading", { name: "Set up a second factor" }).waitFor();
});

test("in all of this the content security policy had nothing to refuse, and no page had an error", () => {
  expect(trouble).toEqual({ policy: [], errors: [] });
});
