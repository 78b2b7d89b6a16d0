// A person's first hour with the console, in a real Chromium before a real controller: sign in for the first time, add a
// host, write a job, run it, watch it, cancel one. Ends with what must hold on every page.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import type { Agent } from "@opsconductor/contract/api/agents";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, onTestFailed, test } from "vitest";
import { Api } from "../devstack/api.ts";
import { type Devstack, startDevstack } from "../devstack/devstack.ts";
import { isRunning, StepProbe } from "../devstack/step-probe.ts";
import { createJob, execute, onlineTarget, untilState } from "../devstack/story.ts";
import { waitFor } from "../devstack/wait-for.ts";
import { launchChromium, newContext, type Trouble } from "./chromium.ts";
import { accessibilityProblems, sidewaysOverflow, untilSettled } from "./page-checks.ts";

const password = "a-much-better-password";
let stack: Devstack;
let browser: Browser;
let page: Page;
let trouble: Trouble;
let host: string;

beforeAll(async () => {
  stack = await startDevstack({ localAgent: false });
  browser = await launchChromium();
  const watched = await newContext(browser, stack.url);
  trouble = watched.trouble;
  page = await watched.context.newPage();
  page.setDefaultTimeout(20_000);
});
afterAll(async () => {
  await browser?.close();
  await stack?.stop();
});

/** A picture says more than a selector that was not found. */
function showOnFailure(): void {
  onTestFailed(async ({ task }) => {
    const picture = join("test-results", `${task.name.replaceAll(/\W+/g, "-").slice(0, 60)}.png`);
    await page.screenshot({ path: picture });
    console.error(`${page.url()} is shown in ${picture}; in the page: ${JSON.stringify(trouble)}`);
  });
}

test("the first sign-in asks for a password of one's own before anything else", async () => {
  showOnFailure();
  const printed = /^\s*Password:\s+(\S+)$/m.exec(stack.controller().output())![1]!;
  await page.goto("/jobs");
  await page.getByLabel("User name").fill("admin");
  await page.getByLabel("Password", { exact: true }).fill("not the password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("User name or password is wrong.").waitFor();
  expect(await accessibilityProblems(page)).toEqual([]);

  await page.getByLabel("Password", { exact: true }).fill(printed);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Choose your own password" }).waitFor();
  expect(await accessibilityProblems(page)).toEqual([]);
  await page.getByLabel("Current password").fill(printed);
  await page.getByLabel("New password", { exact: true }).fill(password);
  await page.getByLabel("New password again").fill(password);
  await page.getByRole("button", { name: "Set password and go on" }).click();
  await page.getByRole("navigation", { name: "Main" }).waitFor();
});

const pages = [
  ["overview", "/"],
  ["agents", "/agents"],
  ["adding a host", "/agents/enroll"],
  ["targets", "/targets"],
  ["jobs", "/jobs"],
  ["executions", "/executions"],
  ["own settings", "/me"],
  ["a page that does not exist", "/no/such/page"],
] as const;

for (const theme of ["light", "dark"] as const)
  test.each(pages)(`axe finds nothing on %s in the ${theme} theme`, async (_, path) => {
    showOnFailure();
    await useTheme(theme);
    await page.goto(path);
    await untilSettled(page);
    expect(await page.evaluate(() => document.documentElement.classList.contains("dark"))).toBe(theme === "dark");
    expect(await accessibilityProblems(page)).toEqual([]);
  });

test.each(pages)("%s needs no sideways scrolling at 320 pixels", async (_, path) => {
  showOnFailure();
  await page.setViewportSize({ width: 320, height: 640 });
  try {
    await page.goto(path);
    await untilSettled(page);
    expect(await sidewaysOverflow(page)).toEqual([]);
    expect(await accessibilityProblems(page)).toEqual([]);
  } finally {
    await page.setViewportSize({ width: 1280, height: 800 });
  }
});

test("in all of this the content security policy had nothing to refuse, and no page had an error", () => {
  expect(trouble).toEqual({ policy: [], errors: [] });
});

/** As the theme menu keeps it: chosen before the page is painted. */
async function useTheme(theme: "light" | "dark"): Promise<void> {
  await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
}
