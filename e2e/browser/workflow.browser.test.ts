// A workflow that waits for a second person's approval, in a real Chromium before real processes: what would run is
// shown, approved, followed in the graph of its stages, and paused.
import { writeFile } from "node:fs/promises";
import type { Execution } from "@opsconductor/contract/api/executions";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Api } from "../devstack/api.ts";
import { type Devstack, startDevstack } from "../devstack/devstack.ts";
import type { ExtraAgent } from "../devstack/extra-agent.ts";
import { startAgents } from "../devstack/start-agents.ts";
import { createJob, execute, untilState } from "../devstack/story.ts";
import { launchChromium, type Trouble } from "./chromium.ts";
import { accessibilityProblems, cutTables, sidewaysOverflow, untilSettled } from "./page-checks.ts";
import { signIn, visit } from "./visit.ts";

const password = "a-password-of-the-test";
let stack: Devstack;
let browser: Browser;
let page: Page;
let trouble: Trouble;
let api: Api;
let agents: ExtraAgent[];
let id: string;

const release = `apiVersion: opsconductor/v1
kind: Job
name: release
approval: { by: [user:admin], notRequester: false }
stages:
  build:
    targets: { names: [host-1] }
    steps: [{ id: make, run: 'echo "version=7" >> "$OC_OUTPUT"' }]
  deploy:
    needs: [build]
    targets: { names: [host-1, host-2] }
    rollout: { canary: 1, batch: 1 }
    steps: [{ run: [echo, "deploying \${{ stages.build.outputs.version }}"] }]
  undo:
    needs: [deploy]
    if: failure()
    targets: { names: [host-1] }
    steps: [{ run: echo undo }]
`;

beforeAll(async () => {
  stack = await startDevstack({ adminPassword: password });
  api = await Api.signIn(stack.url, "admin", password);
  agents = await startAgents(stack, api, ["host-1", "host-2"]);
  await createJob(api, release);
  browser = await launchChromium();
  ({ page, trouble } = await visit(browser, stack.url));
  await page.goto("/login");
  await signIn(page, "admin", password);
  await page.getByRole("navigation", { name: "Main" }).waitFor();
});
afterAll(async () => {
  await browser?.close();
  for (const agent of agents ?? []) await agent.stop();
  await stack?.stop();
});

async function look(name: string): Promise<void> {
  await untilSettled(page);
  if (process.env.OC_TEST_PICTURES) await page.screenshot({ path: `${process.env.OC_TEST_PICTURES}/${name}.png` });
  expect(await accessibilityProblems(page)).toEqual([]);
}

test("the run dialog of a workflow shows its stages with their exact targets and batches", async () => {
  await page.goto("/jobs/release");
  await page.getByRole("button", { name: "Run", exact: true }).first().click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("1 target", { exact: false }).first().waitFor();
  await dialog.getByText("2 batches: 1, 1 · 0 may fail").waitFor();
  await look("run-dialog");
  await dialog.getByRole("button", { name: /^Run on 2 targets/ }).click();
  await page.waitForURL(/\/executions\/[0-9a-f-]{36}/);
  id = page.url().split("/").at(-1)!;
  await page.getByText("Waits for approval").waitFor();
  await look("execution-waiting");
});

test("the page of approvals counts it in the navigation, shows what would run, and takes a decision", async () => {
  await page.getByRole("link", { name: /^Approvals 1/ }).click();
  await page.getByRole("link", { name: "release #1" }).click();
  await page
    .getByText("What would run", { exact: false })
    .or(page.getByText("Your decision is about exactly this", { exact: false }))
    .first()
    .waitFor();
  await page.getByText("deploy: 2 targets").waitFor();
  await look("approval");
  await page.getByRole("button", { name: "Reject" }).click();
  await page.getByText("Say why; whoever asked reads it.").waitFor();
  await page.getByLabel("Comment").fill("looks right");
  await page.getByRole("button", { name: "Approve" }).click();
  await page.getByText("admin approved").waitFor();
  await page.getByRole("link", { name: "Approvals", exact: true }).first().waitFor();
});

test("the graph follows its stages, and a stage shows its batches and its targets", async () => {
  await page.goto(`/executions/${id}`);
  await page.getByRole("button", { name: /^Succeeded deploy/ }).click();
  await page.getByRole("button", { name: /^Skipped undo/ }).waitFor();
  await page.getByText("Batch 2 of 2").waitFor();
  // By keys alone, and in words: from stage to stage and back, one stop of Tab for all of them.
  const deploy = page.getByRole("button", { name: /^Succeeded deploy 2 of 2 targets done.* after build$/ });
  await deploy.press("ArrowRight");
  await page.getByRole("button", { name: /^Skipped undo .*after deploy$/, pressed: false }).press("ArrowLeft");
  await expect.poll(() => deploy.evaluate((stage) => stage.matches(":focus") && stage.tabIndex === 0)).toBe(true);
  await page.getByText("0 of at most 0 failures").waitFor();
  await page.getByText("deploying 7").first().waitFor();
  await look("execution-done");
  await page.setViewportSize({ width: 320, height: 700 });
  await untilSettled(page);
  expect(await sidewaysOverflow(page)).toEqual([]);
  if (process.env.OC_TEST_PICTURES) await page.screenshot({ path: `${process.env.OC_TEST_PICTURES}/narrow.png` });
  await page.setViewportSize({ width: 1280, height: 800 });
  expect(await api.get<Execution>(`/api/v1/executions/${id}`)).toMatchObject({ state: "succeeded" });
});

test("targets that printed the same are one group, and two chosen executions stand side by side", async () => {
  const steps = `[{ id: say, run: 'test "$OC_TARGET_NAME" = host-1 && echo base || echo "$INPUT_WORD"' }]`;
  await createJob(
    api,
    `apiVersion: opsconductor/v1\nkind: Job\nname: speak\ninputs: { word: { type: string } }\nsteps: ${steps}\n`,
  );
  const targets = { names: ["host-1", "host-2"] };
  await execute(api, "speak", { inputs: { word: "first" }, targets, waitSeconds: 30 });
  const { id: second } = await execute(api, "speak", { inputs: { word: "second" }, targets, waitSeconds: 30 });
  await untilState(api, second, ["succeeded"]);
  await page.goto(`/executions/${second}?tab=alike`);
  await page.getByText("2 targets in 2 groups").waitFor();
  await page.getByRole("button", { name: /as on host-2/ }).click();
  await page.getByRole("region", { name: "Output on host-2, one of the group" }).getByText("second").waitFor();
  await look("alike");
  await page.goto("/executions");
  for (const number of [2, 3]) await page.getByRole("checkbox", { name: `Select speak #${number}` }).check();
  await page.getByRole("link", { name: "Compare", exact: true }).click();
  await page.getByText("differs on 1, same on 1").waitFor();
  await look("compare");
  await page.getByRole("tab", { name: /^Targets/ }).click();
  await page.getByRole("button", { name: "Compare the output on host-2" }).click();
  await page.getByRole("dialog").getByText("first", { exact: true }).waitFor();
  await look("compare-output");
  await page.setViewportSize({ width: 320, height: 640 });
  await untilSettled(page);
  expect(await sidewaysOverflow(page)).toEqual([]);
  await page.setViewportSize({ width: 1280, height: 800 });
});

test("an execution is run again as it ran, or with the newest version, as the dialog says", async () => {
  const { items } = await api.get<{ items: Execution[] }>("/api/v1/executions?job=speak");
  const old = items.find(({ inputs }) => inputs.word === "second")!;
  const newer = "apiVersion: opsconductor/v1\nkind: Job\nname: speak\nsteps: [{ id: say, run: echo newer }]\n";
  expect((await api.request("PUT", "/api/v1/jobs/speak", newer)).status).toBe(200);
  await page.goto(`/executions/${old.id}`);
  await page.getByRole("button", { name: "Run again" }).click();
  const dialog = page.getByRole("dialog");
  const word = dialog.getByLabel("word");
  const version = dialog.getByRole("group", { name: "Version to run" });
  await version.getByRole("radio", { name: "Version 2, the newest", checked: true }).waitFor();
  await expect.poll(() => word.count()).toBe(0);
  await version.getByText("Version 1, as in that execution").click();
  await expect.poll(() => word.inputValue()).toBe("second");
  await look("run-again");
  await dialog.getByRole("button", { name: /^Run on 2 targets/ }).click();
  await page.waitForURL((url) => /\/executions\/[0-9a-f-]{36}/.test(url.pathname) && !url.pathname.includes(old.id));
  const made = await untilState(api, page.url().split("/").at(-1)!.split("?")[0]!, ["succeeded"]);
  expect(made).toMatchObject({ jobVersion: 1, inputs: { word: "second" } });
});

test("a rollout that its budget stopped goes on with the rest", async () => {
  const file = `${stack.folder}/host-1-is-well`;
  const run = `'test "$OC_TARGET_NAME" = host-2 || test -e ${file}'`;
  await createJob(
    api,
    `apiVersion: opsconductor/v1\nkind: Job\nname: stopped\nrollout: { batch: 1 }\nsteps: [{ run: ${run} }]\n`,
  );
  const { id: failed } = await execute(api, "stopped", { targets: { names: ["host-1", "host-2"] }, waitSeconds: 30 });
  await untilState(api, failed, ["failed"]);
  await writeFile(file, "");
  await page.setViewportSize({ width: 380, height: 800 });
  await page.goto(`/executions/${failed}?tab=targets`);
  await page.getByRole("button", { name: "What to do about host-1" }).waitFor();
  await expect.poll(() => cutTables(page)).toEqual([]);
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.getByRole("button", { name: "Retry failed (1)" }).waitFor();
  await page.getByRole("button", { name: "Go on with the rest (2)" }).click();
  const dialog = page.getByRole("dialog", { name: "Go on with 2 targets?" });
  await dialog.waitFor();
  await look("go-on");
  await dialog.getByRole("button", { name: /^Run/ }).click();
  await page.waitForURL((url) => /\/executions\/[0-9a-f-]{36}/.test(url.pathname) && !url.pathname.includes(failed));
  const made = await untilState(api, page.url().split("/").at(-1)!.split("?")[0]!, ["succeeded"]);
  expect(made).toMatchObject({ counts: { succeeded: 2 }, retryOf: { id: failed } });
});

test("the editor checks text that is not saved: its stages, targets and batches", async () => {
  await page.goto("/jobs/release/edit");
  await page.getByRole("button", { name: "Check", exact: true }).click();
  const stages = page.getByRole("region", { name: "What would run" });
  await stages.getByText("2 batches: 1, 1 · 0 may fail").waitFor();
  await page.getByText("Would run on 2 targets, in 3 stages").waitFor();
  await look("draft-check");
  await page.setViewportSize({ width: 320, height: 700 });
  await untilSettled(page);
  expect(await sidewaysOverflow(page)).toEqual([]);
  await page.setViewportSize({ width: 1280, height: 800 });
});

test("no page reported a violation of its security policy or an error", () => {
  expect(trouble).toEqual({ policy: [], errors: [] });
});
