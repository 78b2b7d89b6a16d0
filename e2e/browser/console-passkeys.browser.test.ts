// Passkeys in a real browser with Chromium's virtual authenticator: registering, signing in without a name, as a second
// factor, and where a browser makes none.
import type { Browser, BrowserContext, CDPSession, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Devstack, startDevstack } from "../devstack/devstack.ts";
import { launchChromium, type Trouble } from "./chromium.ts";
import { accessibilityProblems, sidewaysOverflow } from "./page-checks.ts";
import { signIn, visit } from "./visit.ts";

const password = "a-password-beside-passkeys";
let stack: Devstack;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let trouble: Trouble;
let cdp: CDPSession;
let authenticatorId: string;

beforeAll(async () => {
  stack = await startDevstack({ adminPassword: password });
  browser = await launchChromium();
  ({ page, context, trouble } = await visit(browser, stack.url.replace("127.0.0.1", "localhost")));
  // The virtual authenticator answers the autofill's question by itself. It is a browser without one, but where a test says so.
  await context.addInitScript(() => {
    if (localStorage.getItem("autofill") === null)
      PublicKeyCredential.isConditionalMediationAvailable = () => Promise.resolve(false);
  });
  cdp = await context.newCDPSession(page);
  await cdp.send("WebAuthn.enable");
  ({ authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  }));
});
afterAll(async () => {
  await browser?.close();
  await stack?.stop();
});

async function signInByPassword() {
  await signIn(page, "admin", password);
}
const signOut = async () => {
  await page.goto("/me");
  await page.getByRole("button", { name: "Sign out" }).last().click();
  await page.getByLabel("User name").waitFor();
};

test("a passkey is added in the settings, and the first factor brings recovery codes", async () => {
  await page.goto("/me");
  await signInByPassword();
  await page.getByRole("button", { name: "Add a passkey" }).click();
  const dialog = page.getByRole("dialog", { name: "Add a passkey" });
  await dialog.getByLabel("Name").fill("this laptop");
  expect(await accessibilityProblems(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Add a passkey" }).click();
  await dialog.getByLabel("Recovery codes", { exact: true }).waitFor();
  await dialog.getByRole("button", { name: "I have kept them" }).click();
  await page.getByText("this laptop").waitFor();
  expect(await accessibilityProblems(page)).toEqual([]);
  const { credentials } = await cdp.send("WebAuthn.getCredentials", { authenticatorId });
  expect(credentials).toMatchObject([{ isResidentCredential: true, rpId: "localhost" }]);
});

test("the passkey signs in without a name, and its counter goes up", async () => {
  await signOut();
  await page.goto("/login?next=%2Ftargets");
  expect(await accessibilityProblems(page)).toEqual([]);
  await page.setViewportSize({ width: 320, height: 800 });
  expect(await sidewaysOverflow(page)).toEqual([]);
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await page.getByRole("heading", { name: "Targets", level: 1 }).waitFor();
  const { credentials } = await cdp.send("WebAuthn.getCredentials", { authenticatorId });
  expect(credentials[0]!.signCount).toBeGreaterThan(1);
});

test("a browser that can offers it where the user name is typed, and choosing it there signs in", async () => {
  await signOut();
  expect(await page.getByLabel("User name").getAttribute("autocomplete")).toBe("username webauthn");
  await page.evaluate(() => localStorage.setItem("autofill", "yes"));
  await page.goto("/login?next=%2Ftargets");
  await page.getByRole("heading", { name: "Targets", level: 1 }).waitFor();
  await page.evaluate(() => localStorage.removeItem("autofill"));
});

test("after the password the passkey is the second factor", async () => {
  await signOut();
  await signInByPassword();
  await page.getByRole("heading", { name: "One more step" }).waitFor();
  expect(await accessibilityProblems(page)).toEqual([]);
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await page.getByText("10 codes left.").waitFor();
});

test("a passkey that does not recognise its owner opens nothing, and the page says what to do", async () => {
  await signOut();
  await cdp.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: false });
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await page.getByText("No passkey was used. Try again when you are ready.").waitFor();
  await cdp.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: true });
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await page.getByText("10 codes left.").waitFor();
});

test("a passkey that was taken away opens nothing any more", async () => {
  await page.getByRole("button", { name: "Take away this laptop" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Take away" }).click();
  await page.getByText("this laptop is taken away.").waitFor();
  await signOut();
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await page.getByText("This passkey opens no account here").waitFor();
});

test("at an address that passkeys are not bound to, the page says where they work", async () => {
  await page.goto(`${stack.url}/login`);
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await page.getByText(/Passkeys work at http:\/\/localhost:\d+: open the console there\./).waitFor();
});

test("in all of this the content security policy had nothing to refuse, and no page had an error", () => {
  expect(trouble).toEqual({ policy: [], errors: [] });
});
