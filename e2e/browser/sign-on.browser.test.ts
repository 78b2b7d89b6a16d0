// Sign-on with a real OpenID provider in a real browser: in, out, connected, refused, and while the provider is away.
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Api } from "../devstack/api.ts";
import { type Devstack, startDevstack } from "../devstack/devstack.ts";
import { freePorts } from "../devstack/free-ports.ts";
import { type OpenIdProvider, startOpenIdProvider } from "../devstack/start-openid-provider.ts";
import { waitFor } from "../devstack/wait-for.ts";
import { launchChromium, type Trouble } from "./chromium.ts";
import { accessibilityProblems, sidewaysOverflow, untilSettled } from "./page-checks.ts";
import { signIn, visit } from "./visit.ts";

const adminPassword = "a-password-for-sign-on";
let provider: OpenIdProvider;
let stack: Devstack;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let trouble: Trouble;

beforeAll(async () => {
  const [port] = await freePorts(1);
  provider = await startOpenIdProvider(port!);
  stack = await startDevstack({
    adminPassword,
    env: {
      OC_OIDC_ISSUER: provider.issuer,
      OC_OIDC_CLIENT_ID: "opsconductor",
      OC_OIDC_CLIENT_SECRET: "a-secret-of-the-tests",
      OC_OIDC_NAME: "Example Corp",
      OC_OIDC_SCOPES: "openid profile email groups",
      OC_OIDC_CREATE_USERS: "1",
      OC_OIDC_ROLES: "ops=operator",
    },
  });
  await provider.setRedirect(`${stack.url}/api/v1/auth/oidc/callback`);
  browser = await launchChromium();
  ({ page, context, trouble } = await visit(browser, stack.url));
});
afterAll(async () => {
  await browser?.close();
  await stack?.stop();
  await provider?.stop();
});

const atProvider = async (name: string) => {
  await page.getByRole("heading", { name: "Sign in at the provider" }).waitFor();
  await page.getByLabel("Name").fill(name);
  await page.getByRole("button", { name: "Go on" }).click();
};
const useProvider = () => page.getByRole("link", { name: "Sign in with Example Corp" });

test("somebody new signs in with the provider, lands where they wanted to go, and signs out of both", async () => {
  await provider.setPerson("ann", { preferred_username: "ann", name: "Ann Example", groups: ["ops"] });
  await page.goto("/jobs?q=nothing");
  await useProvider().waitFor();
  expect(await accessibilityProblems(page)).toEqual([]);
  await page.setViewportSize({ width: 320, height: 640 });
  expect(await sidewaysOverflow(page)).toEqual([]);
  await page.setViewportSize({ width: 1280, height: 800 });
  await useProvider().click();
  await atProvider("ann");
  await page.getByRole("heading", { name: "Jobs", level: 1 }).waitFor();
  expect(new URL(page.url()).pathname + new URL(page.url()).search).toBe("/jobs?q=nothing");
  await page.reload();
  await page.getByRole("heading", { name: "Jobs", level: 1 }).waitFor();
  const cookies = await context.cookies(stack.url);
  // The provider has the same host, and so its cookies come along.
  const ours = cookies.filter(({ name }) => name.startsWith("oc_"));
  expect(ours).toMatchObject([{ name: "oc_refresh", httpOnly: true, sameSite: "Strict" }]);
  await page.goto("/me");
  await page.getByText("Connected with ann").waitFor();
  await page.getByRole("button", { name: "Sign out", exact: true }).first().click();
  await waitFor("the provider's page", async () => page.url().startsWith(`${provider.issuer}/session/end`));
  await page.getByRole("button", { name: "Yes, sign me out" }).click();
  await useProvider().waitFor();
  expect(new URL(page.url()).origin).toBe(stack.url);
});

test("who has no group that may come in reads why", async () => {
  await provider.setPerson("eve", { preferred_username: "eve", groups: [] });
  await page.goto("/login");
  await useProvider().click();
  await atProvider("eve");
  await page.getByText("None of your groups may use OpsConductor.").waitFor();
  expect(await accessibilityProblems(page)).toEqual([]);
  await context.clearCookies();
});

test("an administrator connects the local account, and separates it again", async () => {
  await provider.setPerson("boss", { preferred_username: "admin", groups: [] });
  await page.goto("/login");
  await useProvider().click();
  await atProvider("boss");
  await page.getByText("There is a local account with your name.").waitFor();
  await signIn(page, "admin", adminPassword);
  await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
  await page.goto("/me");
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await atProvider("boss");
  await page.getByText("Your account is connected.").waitFor();
  await untilSettled(page);
  expect(await accessibilityProblems(page)).toEqual([]);
  await page.getByRole("button", { name: "Separate" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Separate" }).click();
  await page.getByRole("button", { name: "Connect", exact: true }).waitFor();
});

test("while the provider is away the sign-in page says so, and local passwords work after a restart, too", async () => {
  await page.getByRole("button", { name: "Sign out", exact: true }).first().click();
  await useProvider().waitFor();
  await provider.stop();
  await stack.stopController();
  await stack.startController();
  const health = await new Api(stack.url).get<{ status: string; parts: Record<string, { status: string }> }>("/health");
  expect([health.status, health.parts["sign-on"]?.status]).toEqual(["degraded", "degraded"]);
  await page.goto("/login");
  await page.getByText("Example Corp cannot be reached at the moment.").waitFor();
  await signIn(page, "admin", adminPassword);
  await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
  expect(trouble.policy).toEqual([]);
  expect(stack.log()).toContain("sign_on.provider_away");
  expect(stack.log()).not.toMatch(/a-secret-of-the-tests|code=/);
});
