// What a person sees and does when a host goes away in the middle of its work, in a real Chromium before real processes:
// declare it lost, see its late result as evidence, retry, and read what happened.

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Api } from "../devstack/api.ts";
import { type Devstack, startDevstack } from "../devstack/devstack.ts";
import type { ExtraAgent } from "../devstack/extra-agent.ts";
import { startAgents } from "../devstack/start-agents.ts";
import { StepProbe } from "../devstack/step-probe.ts";
import { createJob, execute } from "../devstack/story.ts";
import { waitFor } from "../devstack/wait-for.ts";
import { launchChromium, type Trouble } from "./chromium.ts";
import { accessibilityProblems, sidewaysOverflow, untilSettled } from "./page-checks.ts";
import { showOnFailure, signIn, visit } from "./visit.ts";

const password = "a-password-of-the-test";
const [gone, there] = ["gone-host", "there-host"];
let stack: Devstack;
let browser: Browser;
let page: Page;
let trouble: Trouble;
let api: Api;
let agents: ExtraAgent[];
let probe: StepProbe;
let executionId: string;

beforeAll(async () => {
  stack = await startDevstack({ adminPassword: password });
  api = await Api.signIn(stack.url, "admin", password);
  agents = await startAgents(stack, api, [gone, there]);
  probe = new StepProbe(stack.folder, "recovery");
  const script = `echo working on $OC_TARGET_NAME\n      [ $OC_TARGET_NAME = ${there} ] || { ${probe.waitText}; }`;
  await createJob(api, `apiVersion: opsconductor/v1\nkind: Job\nname: careful\nsteps:\n  - run: |\n      ${script}\n`);
  browser = await launchChromium();
  ({ page, trouble } = await visit(browser, stack.url));
  await page.goto("/login");
  await signIn(page, "admin", password);
  await page.getByRole("navigation", { name: "Main" }).waitFor();
});
afterAll(async () => {
  await browser?.close();
  probe?.open();
  for (const agent of agents ?? []) await agent.stop();
  await stack?.stop();
});

test("a host that goes away is shown as unreachable, and its work can be declared lost with a reason", async () => {
  showOnFailure(page, trouble);
  ({ id: executionId } = await execute(api, "careful", { targets: { names: [gone, there] } }));
  await waitFor("the step on the host that goes to be told of", async () => {
    const running = await api.get<{ items: unknown[] }>(`/api/v1/executions/${executionId}/assignments?state=running`);
    return probe.starts().length === 1 && running.items.length === 1;
  });
  await agents[0]!.stop("SIGKILL");
  await page.goto(`/executions/${executionId}?target=${gone}`);
  await page.getByText("Running, unreachable").waitFor();
  await page.getByText("Last sign of its agent:").waitFor();
  expect(await accessibilityProblems(page)).toEqual([]);
  await page.getByRole("button", { name: "Declare lost" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("The host may still be running it.").waitFor();
  await dialog.getByRole("button", { name: "Declare lost" }).click();
  await dialog.getByText("Say why").waitFor();
  expect(await accessibilityProblems(page)).toEqual([]);
  await dialog.getByLabel("Reason").fill("its power supply burnt");
  await dialog.getByRole("button", { name: "Declare lost" }).click();
  await page.getByText("declared lost by admin: its power supply burnt").first().waitFor();
  await page.getByText("Nobody knows how this ended.").waitFor();
  await page.getByText("1 target lost", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Show them" }).click();
  expect(
    await page
      .getByRole("button", { name: /^Show 1 lost|1 lost/ })
      .first()
      .getAttribute("aria-pressed"),
  ).toBe("true");
  await page
    .getByRole("button", { name: /^Show 1 lost|1 lost/ })
    .first()
    .click();
});

test("what it tells when it comes back after all is evidence, and what still ran was asked to stop", async () => {
  showOnFailure(page, trouble);
  agents[0]!.start();
  await waitFor("the late result to be recorded", async () => {
    const all = await api.get<{ items: { lateResult: unknown }[] }>(`/api/v1/executions/${executionId}/assignments`);
    return all.items.some((one) => one.lateResult);
  });
  await page.getByText("A result came after this was declared lost").waitFor();
  expect(await accessibilityProblems(page)).toEqual([]);
  expect(await api.get(`/api/v1/executions/${executionId}`)).toMatchObject({ state: "failed", counts: { lost: 1 } });
});

test("the timeline tells of the interruption, the adoption, the person's word and the late result", async () => {
  showOnFailure(page, trouble);
  await page.getByRole("tab", { name: "Timeline" }).click();
  const list = page.getByRole("region", { name: "What happened" });
  for (const line of [
    `Connection to ${gone} lost`,
    `Lost on ${gone}: by admin`,
    `The restarted agent went on with the step on ${gone}`,
    `A late result from ${gone}, kept as evidence`,
    "Ended: failed",
  ])
    await list.getByText(line).first().waitFor();
  expect(await accessibilityProblems(page)).toEqual([]);
});

test("retrying asks before it repeats what is lost, and makes a new execution that names the old one", async () => {
  showOnFailure(page, trouble);
  probe.open();
  await page.getByRole("tab", { name: "Targets" }).click();
  await page.getByRole("button", { name: `What to do about ${gone}` }).click();
  await page.getByRole("menuitem", { name: "Retry here" }).click();
  const dialog = page.getByRole("dialog");
  expect(await dialog.getByRole("button", { name: "Run on 0 targets" }).isDisabled()).toBe(true);
  await dialog.getByLabel("Repeat the 1 lost target too").check();
  expect(await accessibilityProblems(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Run on 1 target" }).click();
  await page.getByRole("link", { name: "retry of #1" }).waitFor();
  await page.getByText("Succeeded").first().waitFor();
  expect(probe.starts()).toHaveLength(2); // the second by a person's word
});

test.each(["log", "targets", "timeline"])(
  "the %s tab of an execution with a lost target fits 320 pixels",
  async (tab) => {
    showOnFailure(page, trouble);
    await page.setViewportSize({ width: 320, height: 640 });
    try {
      await page.goto(`/executions/${executionId}?target=${gone}&tab=${tab}`);
      await untilSettled(page);
      // A grid that is short of height took all of it from the matrix once: there, but not to be seen.
      const matrix = page.getByRole("region", { name: "States of the targets" });
      await matrix.getByRole("button", { name: gone }).waitFor();
      expect(await matrix.evaluate((element) => element.parentElement?.clientHeight)).toBeGreaterThan(60);
      expect(await sidewaysOverflow(page)).toEqual([]);
      expect(await accessibilityProblems(page)).toEqual([]);
    } finally {
      await page.setViewportSize({ width: 1280, height: 800 });
    }
  },
);

test("in all of this no page had an error", () => {
  expect(trouble).toEqual({ policy: [], errors: [] });
});
