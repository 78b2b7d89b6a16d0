// npm run bench -- console-times: what a person waits for, in a real Chromium before a real controller, on a slow link
// and a slow machine: first visits with an empty cache, and changes of page. Ends with 1 when a bar is missed.
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { Api } from "../../e2e/devstack/api.ts";
import { startDevstack } from "../../e2e/devstack/devstack.ts";
import { createJob } from "../../e2e/devstack/story.ts";
import { type Figure, median, print } from "./figures.ts";

const adminPassword = "a-password-for-a-benchmark";
const tries = 3;
/** console.md, bar 2: 10 Mbit/s, 40 ms, a processor of a quarter of the speed; milliseconds. */
const link = { offline: false, latency: 40, downloadThroughput: 1_250_000, uploadThroughput: 1_250_000 };
const slowdown = 4;
const bars = { paint: 1500, interactive: 2000, editor: 2500, change: 150 };
const visits = [
  { name: "overview", path: "/", ready: "h1 >> text=Overview", bar: bars.interactive },
  { name: "targets", path: "/targets", ready: "h1 >> text=Targets", bar: bars.interactive },
  {
    name: "editor",
    path: "/jobs/bench/edit",
    ready: "[aria-label='Job definition'] >> text=apiVersion",
    bar: bars.editor,
  },
];
const changes = ["Executions", "Jobs", "Agents", "Targets"];

export async function benchConsoleTimes(): Promise<void> {
  const executablePath = process.env.CHROMIUM_PATH ?? "/usr/bin/chromium";
  const stack = await startDevstack({ adminPassword });
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--no-first-run"] });
  try {
    const api = await Api.signIn(stack.url, "admin", adminPassword);
    await createJob(api, "apiVersion: opsconductor/v1\nkind: Job\nname: bench\nsteps:\n  - run: uptime\n");
    const figures = [...(await firstVisits(browser, stack.url)), ...(await pageChanges(browser, stack.url))];
    print("console-times", `medians of ${tries}, 10 Mbit/s, 40 ms, processor ÷ ${slowdown}`, figures);
    if (figures.some((figure) => figure.note?.startsWith("OVER"))) process.exitCode = 1;
  } finally {
    await browser.close();
    await stack.stop();
  }
}

async function firstVisits(browser: Browser, url: string): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const { name, path, ready, bar } of visits) {
    const paints: number[] = [];
    const readies: number[] = [];
    for (let i = 0; i < tries; i++) {
      const page = await slowPage(await signedIn(browser, url));
      await page.goto(path);
      await page.locator(ready).first().waitFor();
      readies.push(await page.evaluate<number>("performance.now()"));
      paints.push(await page.evaluate<number>('performance.getEntriesByName("first-contentful-paint")[0].startTime'));
      await page.context().close();
    }
    figures.push(figure(`${name}, first paint`, median(paints), bars.paint));
    figures.push(figure(`${name}, usable`, median(readies), bar));
  }
  return figures;
}

/** From the click on a link of the navigation to the heading of its page; each page was seen before. */
async function pageChanges(browser: Browser, url: string): Promise<Figure[]> {
  const page = await slowPage(await signedIn(browser, url));
  await page.goto("/");
  const times: number[] = [];
  for (let round = 0; round < tries; round++)
    for (const name of changes) {
      const script = `(async () => {
        const started = performance.now();
        [...document.querySelectorAll("nav a")].find((link) => link.textContent.trim() === "${name}").click();
        while (document.querySelector("h1")?.textContent.trim() !== "${name}") await new Promise(requestAnimationFrame);
        return performance.now() - started;
      })()`;
      await page.locator("nav a", { hasText: name }).first().waitFor();
      const took = await page.evaluate<number>(script);
      if (round > 0) times.push(took);
    }
  await page.context().close();
  return [figure("change of page, to its heading", median(times), bars.change)];
}

/** A profile with the session's cookie and an empty cache. */
async function signedIn(browser: Browser, url: string): Promise<BrowserContext> {
  const context = await browser.newContext({ baseURL: url, viewport: { width: 1280, height: 800 } });
  await context.request.post("/api/v1/auth/login", { data: { username: "admin", password: adminPassword } });
  return context;
}

async function slowPage(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(120_000); // late is a figure, not a failure
  const devtools = await context.newCDPSession(page);
  await devtools.send("Network.enable");
  await devtools.send("Network.emulateNetworkConditions", link);
  await devtools.send("Emulation.setCPUThrottlingRate", { rate: slowdown });
  return page;
}

function figure(name: string, value: number, most: number): Figure {
  return { name, value, unit: "ms", note: `${value > most ? "OVER" : "of"} ${most} ms` };
}
