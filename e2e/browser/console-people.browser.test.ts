// The console in the hands of several people and before unfriendly text: two edit one job, text that was not saved comes
// back, tabs follow each other, what failed runs again, and output can neither hide nor reorder anything.
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Api } from "../devstack/api.ts";
import { type Devstack, startDevstack } from "../devstack/devstack.ts";
import { createJob, execute, onlineTarget } from "../devstack/story.ts";
import { launchChromium, type Trouble } from "./chromium.ts";
import { accessibilityProblems } from "./page-checks.ts";
import { signIn, visit } from "./visit.ts";

const adminPassword = "a-password-of-many-people";
let stack: Devstack;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let trouble: Trouble;
let api: Api;
let target: string;

const job = (name: string, steps: string) =>
  `apiVersion: opsconductor/v1\nkind: Job\nname: ${name}\nsteps:\n${steps.replaceAll(/^/gm, "  ")}\n`;
const editor = (of = page) => of.getByRole("textbox", { name: "Job definition" });
const write = async (text: string, of = page) => {
  await editor(of).click();
  await of.keyboard.press("ControlOrMeta+a");
  await of.keyboard.insertText(text);
};

beforeAll(async () => {
  stack = await startDevstack({ adminPassword, localAgent: true });
  browser = await launchChromium();
  ({ page, context, trouble } = await visit(browser, stack.url));
  api = await Api.signIn(stack.url, "admin", adminPassword);
  target = (await onlineTarget(api)).name;
});
afterAll(async () => {
  await browser?.close();
  await stack?.stop();
});

test("a second tab follows the first one in and out", async () => {
  const other = await context.newPage();
  other.setDefaultTimeout(40_000);
  await other.goto("/jobs");
  await other.getByLabel("User name").waitFor();
  await page.goto("/targets");
  await signIn(page, "admin", adminPassword);
  await page.getByRole("heading", { name: "Targets", level: 1 }).waitFor();
  await other.getByRole("heading", { name: "Jobs", level: 1 }).waitFor();
  await page.goto("/me");
  await page.getByRole("button", { name: "Sign out" }).click();
  await other.getByLabel("User name").waitFor();
  expect(new URL(other.url()).search).toBe("?next=%2Fjobs");
  await signIn(page, "admin", adminPassword);
  await other.getByRole("heading", { name: "Jobs", level: 1 }).waitFor();
  await other.close();
});

test("a stolen refresh cookie that is used after its owner's next one ends the session for both", async () => {
  const stolen = await context.cookies();
  await page.reload();
  await page.getByRole("navigation", { name: "Main" }).waitFor();
  const elsewhere = await browser.newContext({ baseURL: stack.url, userAgent: "Another browser" });
  await elsewhere.addCookies(stolen);
  const thief = await elsewhere.newPage();
  thief.setDefaultTimeout(40_000);
  await thief.goto("/targets");
  await thief.getByLabel("User name").waitFor();
  await page.getByLabel("User name").waitFor();
  await elsewhere.close();
  await signIn(page, "admin", adminPassword);
  await page.getByRole("navigation", { name: "Main" }).waitFor();
  const { items } = await api.get<{ items: { action: string }[] }>("/api/v1/audit?action=session.refresh_token_reused");
  expect(items).toHaveLength(1);
});

test("who saves second sees that somebody was first, compares, and saves on top without losing a version", async () => {
  await createJob(api, job("shared", "- run: echo first"));
  await page.goto("/jobs/shared/edit");
  await write(job("shared", "- run: echo mine"));
  const { revision } = await api.get<{ revision: number }>("/api/v1/jobs/shared");
  const theirs = { "if-match": `"${revision}"` };
  expect((await api.request("PUT", "/api/v1/jobs/shared", job("shared", "- run: echo theirs"), theirs)).status).toBe(
    200,
  );
  await page.getByRole("button", { name: "Save new version" }).click();
  await page.getByText("Someone saved a newer version meanwhile").waitFor();
  expect(await accessibilityProblems(page)).toEqual([]);
  await page.getByRole("button", { name: "Compare with their version" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("echo theirs").waitFor();
  expect(await accessibilityProblems(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Close" }).last().click();
  await page.getByRole("button", { name: "Save on top" }).click();
  await page.getByText("shared saved as version 3").waitFor();
  const now = await api.get<{ definition: string; version: number }>("/api/v1/jobs/shared");
  expect([now.version, now.definition.includes("echo mine")]).toEqual([3, true]);
});

test("text that was not saved is asked about, kept as a draft and offered again; an example over it is undone", async () => {
  await page.goto("/jobs/new");
  await write("name: half-written\n");
  await page.getByText("not saved", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Report with inputs" }).click();
  await page.getByRole("button", { name: "Undo" }).click();
  await expect.poll(() => editor().innerText()).toContain("half-written");
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Agents" }).click();
  const question = page.getByRole("dialog", { name: "This text is not saved" });
  await question.getByRole("button", { name: "Stay" }).click();
  expect(new URL(page.url()).pathname).toBe("/jobs/new");
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Agents" }).click();
  await question.getByRole("button", { name: "Leave the page" }).click();
  await page.getByRole("heading", { name: "Agents", level: 1 }).waitFor();
  await page.goBack();
  await page.getByRole("button", { name: "Use the draft" }).click();
  await expect.poll(() => editor().innerText()).toContain("half-written");
  await page.goForward();
  await question.getByRole("button", { name: "Leave the page" }).click();
  await page.getByRole("heading", { name: "Agents", level: 1 }).waitFor();
});

test("keys typed before the palette has opened are its search", async () => {
  await page.goto("/agents");
  await page.getByRole("heading", { name: "Agents", level: 1 }).waitFor();
  // The palette's code comes late, as on a slow connection.
  await page.route("**/_app/immutable/**", async (route) => {
    await page.waitForFunction(() => (globalThis as { typed?: boolean }).typed);
    await route.continue();
  });
  await page.keyboard.press("ControlOrMeta+k");
  await page.keyboard.type("shared");
  await page.evaluate(() => Object.assign(globalThis, { typed: true }));
  await expect.poll(() => page.getByRole("dialog").getByRole("combobox").inputValue()).toBe("shared");
  await page.unroute("**/_app/immutable/**");
  await page.getByRole("option", { name: "shared" }).waitFor();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "shared", level: 1 }).waitFor();
});

test("what failed is run again with the inputs it had, on the targets that failed", async () => {
  await api.post("/api/v1/targets", { name: "without-agent" });
  const text = job("flaky", `- run: exit "$INPUT_CODE"`).replace(
    "steps:",
    "inputs:\n  code: { type: integer, default: 0 }\nsteps:",
  );
  await createJob(api, text);
  const first = await execute(api, "flaky", { targets: { names: [target] }, inputs: { code: 3 }, waitSeconds: 30 });
  await page.goto(`/executions/${first.id}`);
  await page.getByText("code=3").waitFor();
  await page.getByRole("button", { name: "Run again" }).click();
  const dialog = page.getByRole("dialog", { name: "Run flaky" });
  await dialog.getByRole("button", { name: "Run on 1 target" }).waitFor();
  expect(await dialog.getByLabel("code").inputValue()).toBe("3");
  expect(await dialog.getByLabel("Names").inputValue()).toBe(target);
  await dialog.getByLabel("code").fill("much");
  await dialog.getByRole("button", { name: "Run on 1 target" }).click();
  await dialog.getByText("A whole number, please.").waitFor();
  expect(await dialog.getByLabel("code").evaluate((field) => field === document.activeElement)).toBe(true);
  await dialog.getByLabel("code").fill("0");
  await dialog.getByRole("button", { name: "Run on 1 target" }).click();
  await page.getByText("Succeeded").first().waitFor();
  expect(page.url()).not.toContain(first.id);
});

test("output is shown as a terminal leaves it, and nothing in it can hide or turn text around", async () => {
  const name = "- name: Check";
  const lines = ["' 5%%\\r 50%%\\r100%%\\n'", "'pay\\342\\200\\256lap\\n'", "'a\\007b\\n'"];
  await createJob(api, job("unfriendly", `${name}\n  run: |\n${lines.map((line) => `    printf ${line}`).join("\n")}`));
  const { id } = await execute(api, "unfriendly", { targets: { names: [target] }, waitSeconds: 30 });
  await page.goto(`/executions/${id}`);
  const log = page.getByRole("log");
  await log.getByText("BEL").waitFor();
  const rows = () => log.locator(".row").allInnerTexts();
  expect((await rows()).slice(0, 3)).toEqual(["100%overwritten 2 times", "payU+202Elap", "aBELb"]);
  expect(await page.evaluate(() => /[\u202e\u200b]/.test(`${document.title}${document.body.textContent}`))).toBe(false);
  expect(await accessibilityProblems(page)).toEqual([]);
  await page.getByRole("button", { name: "Show control characters" }).click();
  await expect.poll(rows).toContain(" 5%CR 50%CR100%");
});

test("in all of this the content security policy had nothing to refuse, and no page had an error", () => {
  expect(trouble).toEqual({ policy: [], errors: [] });
});
