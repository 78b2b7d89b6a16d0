// A person's first hour with the console, in a real Chromium before a real controller: sign in for the first time, add a
// host, write a job, run it, watch it, cancel one. Ends with what must hold on every page.
import { readFile } from "node:fs/promises";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Api } from "../devstack/api.ts";
import { type Devstack, startDevstack } from "../devstack/devstack.ts";
import { ExtraAgent } from "../devstack/extra-agent.ts";
import { isRunning, StepProbe } from "../devstack/step-probe.ts";
import { createJob, execute } from "../devstack/story.ts";
import { launchChromium, type Trouble } from "./chromium.ts";
import { accessibilityProblems, cutTables, sidewaysOverflow, untilSettled } from "./page-checks.ts";
import { showOnFailure, signIn, visit } from "./visit.ts";

const jobText = `apiVersion: opsconductor/v1
kind: Job
name: greet
inputs:
  who: { type: string, required: true }
steps:
  - run: echo "hello $INPUT_WHO"
`;
const password = "a-much-better-password";
let stack: Devstack;
let browser: Browser;
let page: Page;
let trouble: Trouble;
let agent: ExtraAgent;
const host = "first-host";

beforeAll(async () => {
  stack = await startDevstack();
  agent = new ExtraAgent(stack, host);
  browser = await launchChromium();
  ({ page, trouble } = await visit(browser, stack.url));
});
afterAll(async () => {
  await browser?.close();
  await agent?.stop();
  await stack?.stop();
});

test("the first sign-in asks for a password of one's own before anything else", async () => {
  showOnFailure(page, trouble);
  const printed = /^\s*Password:\s+(\S+)$/m.exec(stack.controller().output())![1]!;
  await page.goto("/jobs");
  await signIn(page, "admin", "not the password");
  await page.getByText("User name or password is wrong.").waitFor();
  expect(await accessibilityProblems(page)).toEqual([]);

  await page.getByLabel("Password", { exact: true }).fill(printed);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Choose your own password" }).waitFor();
  await page.getByLabel("Current password").and(page.locator(":focus")).waitFor();
  expect(await accessibilityProblems(page)).toEqual([]);
  await page.getByLabel("Current password").fill(printed);
  await page.getByLabel("New password", { exact: true }).fill(password);
  await page.getByLabel("New password again").fill(password);
  await page.getByRole("button", { name: "Set password and go on" }).click();
  await page.getByRole("navigation", { name: "Main" }).waitFor();
});

test("a host is added with the command that the console shows, and turns green by itself", async () => {
  showOnFailure(page, trouble);
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Agents" }).click();
  await page.getByRole("button", { name: "Add a host" }).first().click();
  await page.getByRole("button", { name: "Make the command" }).click();
  await page.getByText("Waiting for the host…").waitFor();
  expect(await accessibilityProblems(page)).toEqual([]);
  const token = /oc1\.[\w.-]+/.exec(await page.getByRole("dialog").innerText())![0];
  expect(agent.enroll(token)).toMatchObject({ code: 0 });
  agent.start();
  await page.getByText(`${host} has joined`).waitFor();
  expect(await accessibilityProblems(page)).toEqual([]);
  await page.getByRole("button", { name: "Done" }).click();
  await page.getByRole("link", { name: host }).waitFor();
});

test("a job begins with an example; the editor completes it and says what is wrong before it is saved", async () => {
  showOnFailure(page, trouble);
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Jobs" }).click();
  await page.getByRole("link", { name: "Examples of whole jobs" }).click();
  await page.getByRole("link", { name: "Start from this: rotate-logs" }).click();
  const editor = page.getByRole("textbox", { name: "Job definition" });
  await page.getByText("No problems").waitFor();
  await editor.click();
  await page.keyboard.press("ControlOrMeta+End");
  await page.keyboard.insertText("  - uses: sleep\n    with:\n      ");
  await page.keyboard.press("Control+Space");
  await page.getByRole("option", { name: /^for/ }).waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.insertText(`${jobText}    timout: 5m\n`);
  await page.getByText("timout").last().waitFor();
  await page.getByText("Did you mean timeout?").waitFor();
  expect(await accessibilityProblems(page)).toEqual([]);

  await editor.click();
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.insertText(jobText);
  await page.getByText("No problems").waitFor();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("heading", { name: "greet" }).waitFor();
});

test("the run dialog asks for the inputs and shows exactly where it will run; the output appears live", async () => {
  showOnFailure(page, trouble);
  await page.getByRole("button", { name: "Run", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "Run greet" });
  await dialog.getByLabel("who").fill("the <b>browser</b>");
  await dialog.getByRole("radio", { name: "By name" }).check();
  await dialog.getByLabel("Names").fill(host);
  await dialog.getByRole("listitem").filter({ hasText: host }).waitFor();
  expect(await accessibilityProblems(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Run on 1 target" }).click();
  await page.getByText("hello the <b>browser</b>").waitFor();
  await page.getByText("Succeeded").first().waitFor();
  expect(page.url()).toMatch(/\/executions\/[0-9a-f-]{36}/);
  expect(await accessibilityProblems(page)).toEqual([]);
});

test("jobs go into a file and come back: what a file would do is shown, then all of it is done", async () => {
  showOnFailure(page, trouble);
  const carried = jobText.replace("name: greet", "name: carried");
  await page.goto("/jobs");
  const menu = page.getByRole("button", { name: "Import and export" });
  await menu.click();
  const exported = page.waitForEvent("download");
  await page.getByRole("menuitem", { name: "Export every job" }).click();
  const archive = await exported;
  expect(archive.suggestedFilename()).toMatch(/^jobs-\d{4}-\d\d-\d\d\.zip$/);
  await menu.click();
  await page.getByRole("menuitem", { name: "Import …" }).click();
  const dialog = page.getByRole("dialog", { name: "Import jobs" });
  const file = dialog.getByLabel("File");
  const yaml = (text: string) => ({ name: "carried.yaml", mimeType: "text/yaml", buffer: Buffer.from(text) });
  await file.setInputFiles({
    name: "jobs.zip",
    mimeType: "application/zip",
    buffer: await readFile(await archive.path()),
  });
  await dialog.getByText("Every job of the file is here already").waitFor();
  await file.setInputFiles(yaml(carried.replace("steps:", "stepps:")));
  await dialog.getByText("line 6, column 1").waitFor();
  expect(await dialog.getByRole("button", { name: "Import", exact: true }).isDisabled()).toBe(true);
  expect(await accessibilityProblems(page)).toEqual([]);
  await file.setInputFiles(yaml(carried));
  await dialog.getByText("new v1").waitFor();
  await dialog.getByLabel("Why").fill("from the other site");
  await dialog.getByRole("button", { name: "Import 1 job" }).click();
  await page.getByText("1 new job").waitFor();
  await dialog.waitFor({ state: "detached" });
  await page.goto("/jobs/carried?tab=versions");
  await page.getByText("from the other site").waitFor();
  const downloaded = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download" }).click();
  const version = await downloaded;
  expect(version.suggestedFilename()).toBe("carried-v1.yaml");
  expect(await readFile(await version.path(), "utf8")).toBe(carried);
});

test("a running execution is watched and cancelled, and the page says when the host has confirmed it", async () => {
  showOnFailure(page, trouble);
  const probe = new StepProbe(stack.folder, "browser-cancel");
  const api = await Api.signIn(stack.url, "admin", password);
  await createJob(
    api,
    `apiVersion: opsconductor/v1\nkind: Job\nname: long\nsteps:\n  - run: |\n      echo started\n      ${probe.waitText}\n`,
  );
  const { id } = await execute(api, "long", { targets: { names: [host] } });
  await page.goto(`/executions/${id}`);
  await page.getByText("started", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Cancel", exact: true }).click();
  const dialog = page.getByRole("dialog").or(page.getByRole("alertdialog"));
  expect(await accessibilityProblems(page)).toEqual([]);
  await dialog.getByLabel("Reason").fill("seen enough");
  await dialog.getByRole("button", { name: "Cancel this execution" }).click();
  await page.getByText("Cancelled by admin").waitFor();
  expect(probe.starts().filter(isRunning)).toEqual([]);
});

const pages = [
  ["overview", "/"],
  ["agents", "/agents"],
  ["one agent", "/agents/AGENT"],
  ["adding a host", "/agents/enroll"],
  ["targets", "/targets"],
  ["one target", "/targets/TARGET"],
  ["jobs", "/jobs"],
  ["one job", "/jobs/greet"],
  ["a new job", "/jobs/new"],
  ["the examples of jobs", "/jobs/new?template=examples"],
  ["editing a job", "/jobs/greet/edit"],
  ["executions", "/executions"],
  ["one execution", "/executions/EXECUTION"],
  ["own settings", "/me"],
  ["a page that does not exist", "/no/such/page"],
] as const;

for (const theme of ["light", "dark"] as const)
  test.each(pages)(`axe finds nothing on %s in the ${theme} theme`, async (_, path) => {
    showOnFailure(page, trouble);
    await useTheme(theme);
    await page.goto(await fill(path));
    await untilSettled(page);
    expect(await page.evaluate(() => document.documentElement.classList.contains("dark"))).toBe(theme === "dark");
    expect(await accessibilityProblems(page)).toEqual([]);
  });

test.each(pages)("%s needs no sideways scrolling at 320 pixels", async (_, path) => {
  showOnFailure(page, trouble);
  await page.setViewportSize({ width: 320, height: 640 });
  try {
    await page.goto(await fill(path));
    await untilSettled(page);
    expect(await sidewaysOverflow(page)).toEqual([]);
    expect(await accessibilityProblems(page)).toEqual([]);
  } finally {
    await page.setViewportSize({ width: 1280, height: 800 });
  }
});

test("on a telephone the lists of jobs, executions and targets drop columns, not what acts on a row", async () => {
  showOnFailure(page, trouble);
  await page.setViewportSize({ width: 380, height: 800 });
  try {
    for (const path of ["/jobs", "/executions", "/executions/EXECUTION?tab=targets"]) {
      await page.goto(await fill(path));
      await page.getByRole("grid").getByRole("row").nth(1).waitFor();
      await expect.poll(() => cutTables(page), { message: path }).toEqual([]);
    }
    await page.goto("/jobs");
    const run = page.getByRole("button", { name: "Run greet" });
    await run.waitFor();
    await expect.poll(() => run.boundingBox().then((box) => box!.x + box!.width)).toBeLessThanOrEqual(380);
  } finally {
    await page.setViewportSize({ width: 1280, height: 800 });
  }
});

test("in all of this the content security policy had nothing to refuse, and no page had an error", () => {
  expect(trouble).toEqual({ policy: [], errors: [] });
});

/** AGENT, TARGET and EXECUTION of a path become the id of the first there is. */
async function fill(path: string): Promise<string> {
  const kind = /[A-Z]+/.exec(path)?.[0];
  if (!kind) return path;
  const api = await Api.signIn(stack.url, "admin", password);
  const { items } = await api.get<{ items: { id: string }[] }>(`/api/v1/${kind.toLowerCase()}s`);
  return path.replace(kind, items[0]!.id);
}

/** By the system's setting, which the page follows unless a person said otherwise. */
async function useTheme(theme: "light" | "dark"): Promise<void> {
  await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
}
