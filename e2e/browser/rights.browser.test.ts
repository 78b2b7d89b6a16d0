// Rights in the console: groups of targets, roles of one's own making, a role within a group, what a person with it sees,
// why they may, and the page that says what is missing.
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Api } from "../devstack/api.ts";
import { type Devstack, startDevstack } from "../devstack/devstack.ts";
import { waitFor } from "../devstack/wait-for.ts";
import { launchChromium, newContext, type Trouble } from "./chromium.ts";
import { pagesOfConsole, type Things, Walk } from "./console-pages.ts";
import { accessibilityProblems, sidewaysOverflow, untilSettled } from "./page-checks.ts";
import { signIn } from "./visit.ts";

interface Target {
  id: string;
  name: string;
  managedByAgentId: string | null;
  agentState: string | null;
}

const adminPassword = "a-password-of-many-rights";
const annPassword = "a-password-of-few-rights";
const shots = process.env.OC_SCREENSHOTS;
let stack: Devstack;
let browser: Browser;
let page: Page;
let trouble: Trouble;
let api: Api;

beforeAll(async () => {
  stack = await startDevstack({ adminPassword, localAgent: true });
  browser = await launchChromium();
  api = await Api.signIn(stack.url, "admin", adminPassword);
  for (const name of ["web-berlin", "web-paris", "db-tokyo"])
    await api.request("POST", "/api/v1/targets", { name, labels: { role: name.split("-")[0] } });
  const spec = { inputs: { env: { type: "choice", options: ["prod", "staging"] } }, steps: [{ run: "true" }] };
  const job = { apiVersion: "opsconductor/v1", kind: "Job", name: "deploy", targets: { select: "role=web" }, ...spec };
  await api.request("POST", "/api/v1/jobs", job);
  ({ page, trouble } = await signedIn("admin", adminPassword));
});
afterAll(async () => {
  await browser?.close();
  await stack?.stop();
});

async function signedIn(username: string, password: string): Promise<{ page: Page; trouble: Trouble }> {
  const { context, trouble } = await newContext(browser, stack.url);
  const page = await context.newPage();
  page.setDefaultTimeout(40_000);
  await page.goto("/targets");
  await signIn(page, username, password);
  await page.getByRole("navigation", { name: "Main" }).waitFor();
  return { page, trouble };
}

/** Nothing for axe, nothing sideways when narrow, and a picture in both themes when somebody wants to look. */
async function look(name: string, of = page): Promise<void> {
  await untilSettled(of);
  expect(await accessibilityProblems(of), name).toEqual([]);
  for (const scheme of ["light", "dark"] as const) {
    if (!shots) continue;
    await of.emulateMedia({ colorScheme: scheme });
    await of.screenshot({ path: `${shots}/${name}-${scheme}.png` });
  }
  await of.setViewportSize({ width: 320, height: 800 });
  await untilSettled(of);
  if (shots) await of.screenshot({ path: `${shots}/${name}-narrow.png` });
  expect(await sidewaysOverflow(of), name).toEqual([]);
  await of.setViewportSize({ width: 1280, height: 800 });
  await of.emulateMedia({ colorScheme: "light" });
}

test("groups are made beside the inventory, filled from its list and from a target's page, and narrow it", async () => {
  const tree = page.getByRole("navigation", { name: "Groups of targets" });
  await tree.getByRole("button", { name: "Add a group" }).click();
  await page.getByRole("dialog").getByLabel("Name").fill("europe");
  await page.getByRole("dialog").getByRole("button", { name: "Add group" }).click();
  await tree.getByRole("button", { name: "Actions for the group europe" }).click();
  await page.getByRole("menuitem", { name: "Add a group below" }).click();
  await page.getByRole("dialog").getByLabel("Name").fill("berlin");
  await page.getByRole("dialog").getByRole("button", { name: "Add group" }).click();
  await tree.getByRole("button", { name: /^berlin/ }).waitFor();
  await page.getByRole("checkbox", { name: "Select web-paris" }).check();
  await page.getByRole("button", { name: "Put into a group" }).click();
  await page.getByRole("dialog").getByLabel("Group").selectOption({ label: "europe" });
  await page.getByRole("dialog").getByRole("button", { name: "Put into the group" }).click();
  await page.getByRole("link", { name: "web-berlin" }).click();
  await page.getByRole("button", { name: "Change groups" }).click();
  await page.getByRole("dialog").getByLabel("berlin").check();
  await look("target-groups-dialog");
  await page.getByRole("dialog").getByRole("button", { name: "Save groups" }).click();
  await page.getByRole("link", { name: "berlin", exact: true }).waitFor();
  await look("target");
  await page.goto("/targets");
  await tree.getByRole("button", { name: /^europe/ }).click();
  await page.getByRole("status").filter({ hasText: "2 targets" }).waitFor();
  expect(await page.getByRole("link", { name: "db-tokyo" }).count()).toBe(0);
  await look("targets-group");
});

test("a role is made from sentences, stands in the matrix, and arrow keys go through it", async () => {
  await page.goto("/access/roles");
  await page.getByRole("button", { name: "Make a role" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("watcher");
  await dialog.getByLabel("See targets and groups").check();
  await dialog.getByLabel("See executions, their inputs and their output").check();
  await look("role-dialog");
  await dialog.getByRole("button", { name: "Make role" }).click();
  await page.getByText("The role watcher is made.").waitFor();
  await page.getByRole("button", { name: "Actions for the role watcher" }).waitFor();
  const cell = page.getByRole("gridcell", { name: "admin: yes" }).first();
  await cell.focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("End");
  const name = await page.evaluate(() => document.activeElement?.getAttribute("aria-label"));
  expect(name).toBe("watcher: no");
  await look("roles");
});

test("a role within a group is given, explained, and everything outside of it is gone for its user", async () => {
  const made = await api.request("POST", "/api/v1/users", { username: "ann", roles: [] });
  const { link } = made.body as { link: { token: string } };
  const { context: invited } = await newContext(browser, stack.url);
  const invitation = await invited.newPage();
  await invitation.goto(`/password#${link.token}`);
  await invitation.getByRole("button", { name: "Set password" }).waitFor();
  await api.request("POST", "/api/v1/auth/password-link", { token: link.token, newPassword: annPassword });
  await invitation.reload();
  await invitation.getByText("This link does not work any more").waitFor();
  expect(await invitation.getByRole("button", { name: "Set password" }).count()).toBe(0);
  await look("password-link-used", invitation);
  await invited.close();
  await page.goto("/access/users");
  await page.getByRole("button", { name: "Actions for ann" }).click();
  await page.getByRole("menuitem", { name: "Rights" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Role", { exact: true }).selectOption("operator");
  await dialog.getByLabel("Group").selectOption({ label: "europe" });
  await dialog.getByLabel("Locked inputs").fill("env = staging");
  await dialog.getByRole("button", { name: "Give grant" }).click();
  await dialog.getByText("operator in the group europe and those below it, jobs only with env = staging").waitFor();
  await dialog.getByText("operator in the group europe and those below it").waitFor();
  await dialog.getByLabel("Name", { exact: true }).fill("web-berlin");
  await dialog.getByRole("button", { name: "Explain" }).click();
  await dialog.getByText("ann may do jobs:execute on the target web-berlin, because of the role operator").waitFor();
  await look("grants-dialog");

  const ann = await signedIn("ann", annPassword);
  await ann.page.getByRole("link", { name: "web-berlin" }).waitFor();
  await ann.page.getByRole("link", { name: "web-paris" }).waitFor();
  expect(await ann.page.getByRole("link", { name: "db-tokyo" }).count()).toBe(0);
  expect(await ann.page.getByRole("button", { name: "Add a target" }).count()).toBe(0);
  expect(await ann.page.getByRole("link", { name: "Audit log" }).count()).toBe(0);
  await ann.page.goto("/jobs/deploy");
  await ann.page.getByRole("button", { name: "Run", exact: true }).click();
  const env = ann.page.getByRole("dialog").getByLabel("env");
  await env.waitFor();
  expect([await env.inputValue(), await env.isDisabled()]).toEqual(["staging", true]);
  await ann.page.getByText("Locked: your rights allow this value only").waitFor();
  await look("run-locked", ann.page);
  await ann.page.goto("/audit");
  await ann.page.getByRole("heading", { name: "You are not allowed to see this" }).waitFor();
  await ann.page.getByText("audit:read").waitFor();
  await ann.page.getByText("Ask admin, who can grant it.").waitFor();
  expect(await ann.page.getByRole("textbox", { name: /action/i }).count()).toBe(0);
  await look("forbidden", ann.page);
  expect(trouble.errors.concat(ann.trouble.errors)).toEqual([]);
});

/** Of the page, what changes something: nobody who may only look is shown it. */
const changes =
  /^(add|new|make|edit|delete|run|retry|cancel|pause|resume|approve|reject|revoke|release|restore|set|settle|save|put|change|take|actions for)\b/i;
/** Everybody's own: their settings, and what only reads. */
const own = /^\/me$/;

interface Visitor {
  name: string;
  roles: string[];
  /** Within one group. */
  grants?: string[];
  /** What they may change, as their buttons say it. */
  may: RegExp;
  /** Pages that say what is missing. */
  forbidden: (address: string) => boolean;
}
const administration = /^\/(access|audit|limits|agents\/enroll|jobs\/new|jobs\/[^/]+\/edit)/;
const visitors: Visitor[] = [
  { name: "a viewer", roles: ["viewer"], may: /^$/, forbidden: (address) => administration.test(address) },
  {
    name: "an operator and developer of one group",
    roles: [],
    grants: ["operator", "developer"],
    may: /^(run\b|add a target|edit|delete target|change groups|actions for (?!the group))/i,
    forbidden: (address) => administration.test(address),
  },
  {
    name: "an auditor",
    roles: ["auditor"],
    may: /^$/,
    forbidden: (address) => !/^\/(audit|me|no)\b/.test(address),
  },
];

describe("every page", () => {
  let things: Things;
  beforeAll(async () => {
    const [{ id: target, name, managedByAgentId: agent }] = await waitFor("the local agent", async () => {
      const { items } = await api.get<{ items: Target[] }>("/api/v1/targets?select=name~*");
      return items.filter(({ agentState }) => agentState === "online") as [Target];
    });
    await api.post("/api/v1/groups/europe/targets", { add: [name] });
    const careful = {
      apiVersion: "opsconductor/v1",
      kind: "Job",
      name: "careful",
      steps: [{ run: "true" }],
      approval: {},
    };
    await api.request("POST", "/api/v1/jobs", careful);
    const run = async (job: string, inputs: object) => {
      const body = { targets: { names: [name] }, inputs };
      return (await api.post<{ id: string }>(`/api/v1/jobs/${job}/execute?wait=20s`, body)).id;
    };
    const [earlier, execution] = [await run("deploy", { env: "prod" }), await run("deploy", { env: "prod" })];
    const approval = (await api.post<{ id: string }>("/api/v1/jobs/careful/execute", { targets: { names: [name] } }))
      .id;
    await api.post("/api/v1/roles", { name: "auditor", permissions: ["audit:read"] });
    things = { job: "deploy", target, agent: agent!, execution, earlier, approval };
  });

  test.each(visitors)(
    "shows $name what they may use, or says what is missing and who can grant it",
    async (visitor) => {
      const username = visitor.name.replaceAll(" ", "-");
      const { link } = await api.post<{ link: { token: string } }>("/api/v1/users", { username, roles: visitor.roles });
      await api.request("POST", "/api/v1/auth/password-link", { token: link.token, newPassword: annPassword });
      for (const role of visitor.grants ?? [])
        await api.post(`/api/v1/users/${username}/grants`, { role, scope: { kind: "group", group: "europe" } });
      const { page, trouble } = await signedIn(username, annPassword);
      const walk = new Walk(page);
      for (const address of pagesOfConsole(things)) {
        const shown = await walk.to(address);
        if (shots) await page.screenshot({ path: `${shots}/${username}-${address.replaceAll(/\W+/g, "-")}.png` });
        const isForbidden = visitor.forbidden(shown.address);
        expect([address, shown.forbidden !== undefined]).toEqual([address, isForbidden]);
        if (shown.forbidden) expect([address, shown.forbidden]).toEqual([address, expect.stringMatching(says)]);
        expect([address, shown.alerts, shown.refused]).toEqual([address, [], []]);
        const wrong = own.test(address)
          ? []
          : shown.buttons.filter((name) => changes.test(name) && !visitor.may.test(name));
        expect([address, wrong]).toEqual([address, []]);
        expect([address, shown.disabled.filter((button) => button.endsWith(": "))]).toEqual([address, []]);
      }
      expect(trouble).toEqual({ policy: [], errors: [] });
      await page.context().close();
    },
  );
});

/** The permission, the roles that hold it, somebody who can grant it, and a way to something that may be seen. */
const says = /permission [a-z]+:[a-z]+.*These roles hold it: .*admin.*Ask admin, who can grant it\. Go to /;
